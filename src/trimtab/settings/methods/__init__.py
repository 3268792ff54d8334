"""The settings of every method, declared once. Knows nothing about how a method is carried out."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from trimtab.errors import need_library
from trimtab.settings.methods.base import LARGEST_SEED, MANY, MethodBase, Settings
from trimtab.settings.methods.head import HeadSettings
from trimtab.settings.methods.prompts import (
    MOST_FITTED,
    LatePromptSettings,
    MultitaskPromptSettings,
    PrefixSettings,
    PTuningSettings,
    SoftPromptSettings,
    WarpSettings,
)
from trimtab.settings.methods.untrained import AutoSettings, FewShotSettings, SearchSettings, ZeroShotSettings
from trimtab.settings.methods.weights import BitFitSettings, FullSettings, IA3Settings, LoraSettings

__all__ = [
    "LARGEST_SEED", "MANY", "METHODS", "MOST_FITTED", "AutoSettings", "BitFitSettings", "FewShotSettings",
    "FullSettings", "HeadSettings", "IA3Settings", "LatePromptSettings", "LoraSettings", "MethodBase",
    "MethodSettings", "MultitaskPromptSettings", "PTuningSettings", "PrefixSettings", "SearchSettings", "Settings",
    "SoftPromptSettings", "WarpSettings", "ZeroShotSettings", "need_extra",
]  # fmt: skip


def need_extra(method: MethodBase | type[MethodBase]) -> None:
    """Raise MissingExtraError where a method needs a library that is not installed."""
    kind = method if isinstance(method, type) else type(method)
    if kind.by_peft:
        need_library("peft", f"method '{kind.model_fields['name'].default}'", title="PEFT", extra="peft")


METHODS = {
    kind.model_fields["name"].default: kind
    for kind in (
        SoftPromptSettings, WarpSettings, PrefixSettings, LatePromptSettings, PTuningSettings, MultitaskPromptSettings,
        LoraSettings, IA3Settings, BitFitSettings, FullSettings, HeadSettings, ZeroShotSettings, FewShotSettings,
        SearchSettings, AutoSettings,
    )
}  # fmt: skip


def _method_name(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name", "soft_prompt"))
    return str(getattr(value, "name", value))


MethodSettings = Annotated[
    Annotated[SoftPromptSettings, Tag("soft_prompt")]
    | Annotated[WarpSettings, Tag("warp")]
    | Annotated[PrefixSettings, Tag("prefix")]
    | Annotated[LatePromptSettings, Tag("late_prompt")]
    | Annotated[PTuningSettings, Tag("p_tuning")]
    | Annotated[MultitaskPromptSettings, Tag("multitask_prompt")]
    | Annotated[LoraSettings, Tag("lora")]
    | Annotated[IA3Settings, Tag("ia3")]
    | Annotated[BitFitSettings, Tag("bitfit")]
    | Annotated[FullSettings, Tag("full")]
    | Annotated[HeadSettings, Tag("head")]
    | Annotated[ZeroShotSettings, Tag("zero_shot")]
    | Annotated[FewShotSettings, Tag("few_shot")]
    | Annotated[SearchSettings, Tag("search")]
    | Annotated[AutoSettings, Tag("auto")],
    Discriminator(_method_name),
]
