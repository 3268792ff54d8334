"""What an adapter of LoRA or IA3 asks for by its own configuration. Knows nothing about how it is run.

PEFT itself finds the layers, so that `target_modules`, `layers_to_transform` and the like mean here what they do there.
A file that lacks what is asked for was cut off or belongs to another configuration, and would answer almost right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import RunError
from trimtab.interchange.adapter import AGAIN, CONFIG_FILE, Adapter
from trimtab.methods.adapters import peft_modules, transposed
from trimtab.methods.method import Tensors
from trimtab.settings.methods import IA3Settings, LoraSettings, need_extra

# Entries of adapter_config.json that say which layers are changed, and by weights of which shapes.
_PLACES = ("target_modules", "exclude_modules")
_LORA = (*_PLACES, "layers_to_transform", "layers_pattern", "r", "use_dora", "use_rslora")
_IA3 = (*_PLACES, "feedforward_modules")
_NAMED = 3  # names in a message


def require_asked(adapter: Adapter, kind: str, name: str, tensors: Tensors, pretrained: Pretrained) -> None:
    """Hold an adapter's tensors against its configuration.

    Args:
        adapter: what was read.
        kind: `LORA` or `IA3`.
        name: how messages call it.
        tensors: its tensors by the names that they have in the backbone.
        pretrained: the backbone.

    Raises:
        RunError: tensors that are missing, of another shape, or that nothing asks for; IA3 on other layers than here.
        MissingExtraError: the PEFT library is not installed.
    """
    need_extra(LoraSettings() if kind == "LORA" else IA3Settings())
    modules = _asked(adapter, kind, name, pretrained)
    expected = {
        f"{place}.{key}": tuple(weight.shape)
        for place, module in modules.items()
        for key, weight in module.named_parameters()
        if not key.startswith("base_layer.")
    }
    if missing := sorted(set(expected) - set(tensors)):
        raise RunError(f"{name}: lacks {listed(missing)}, which its {CONFIG_FILE} asks for.", AGAIN)
    if others := sorted(set(tensors) - set(expected)):
        raise RunError(f"{name}: holds {listed(others)}, which its {CONFIG_FILE} does not ask for.", AGAIN)
    for key, shape in sorted(expected.items()):
        if tuple(tensors[key].shape) != shape:
            found, asked = (" x ".join(map(str, one)) for one in (tensors[key].shape, shape))
            raise RunError(
                f"{name}: {key} is {found}, and its {CONFIG_FILE} asks for {asked} on backbone '{pretrained.name}'.",
                "Get the adapter again, or name the backbone it was made for in the task file.",
            )
    if kind == "IA3":
        _check_ia3(modules, adapter, name, pretrained)


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(f"'{name}'" for name in names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _asked(adapter: Adapter, kind: str, name: str, pretrained: Pretrained) -> dict[str, Any]:
    """PEFT's modules by their places in the backbone, as the adapter's configuration has them."""
    from peft import IA3Config, LoraConfig

    made, entries = (LoraConfig, _LORA) if kind == "LORA" else (IA3Config, _IA3)
    model = pretrained.backbone.model
    given = {key: adapter.config[key] for key in entries if adapter.config.get(key) is not None}
    try:
        return peft_modules(made(**given, fan_in_fan_out=transposed(model)), model, shapes_alone=True)
    except (ValueError, TypeError, AttributeError, LookupError, re.error) as error:  # targets may be a pattern
        says = str(error).partition("\n")[0]
        raise RunError(
            f"{name}: {CONFIG_FILE} asks for what backbone '{pretrained.name}' has not: {says.rstrip('.')}.",
            "Name the backbone it was made for in the task file.",
        ) from None


def _check_ia3(asked: Mapping[str, Any], adapter: Adapter, name: str, pretrained: Pretrained) -> None:
    """Refuse IA3 on other layers than PEFT puts it on where none are named: the method has no setting for them."""
    from peft import IA3Config

    model = pretrained.backbone.model
    usual = peft_modules(IA3Config(fan_in_fan_out=transposed(model)), model, shapes_alone=True)
    for entry, theirs, ours in (
        ("target_modules", set(asked), set(usual)),
        ("feedforward_modules", _inner(asked), _inner(usual)),
    ):
        if theirs != ours:
            said = adapter.config.get(entry) or []
            found = [said] if isinstance(said, str) else sorted(map(str, said))
            expected = sorted({place.rpartition(".")[2] for place in ours})
            raise RunError(
                f"{name}: sets '{entry}' to {', '.join(found) or 'nothing'}; IA3 is carried out on "
                f"{', '.join(expected)} of every layer alone.",
                "Use LoRA on these layers, or an adapter without it.",
            )


def _inner(modules: Mapping[str, Any]) -> set[str]:
    """Places whose inputs are scaled, not their outputs."""
    return {place for place, module in modules.items() if module.is_feedforward}
