"""From settings to a method. Knows nothing about training or runs."""

from __future__ import annotations

from trimtab.methods.adapters import Adapters
from trimtab.methods.head import Head
from trimtab.methods.headed import Headed
from trimtab.methods.joint import Joint
from trimtab.methods.late_prompt import LatePrompt
from trimtab.methods.method import Material, Method
from trimtab.methods.multitask import MultitaskPrompt
from trimtab.methods.p_tuning import PTuning
from trimtab.methods.prefix import Prefix
from trimtab.methods.soft_prompt import ReadPrompt, SoftPrompt
from trimtab.methods.warp import Warp
from trimtab.methods.weights import Weights
from trimtab.methods.zero_shot import ZeroShot
from trimtab.settings.methods import (
    AutoSettings,
    BitFitSettings,
    FewShotSettings,
    FullSettings,
    HeadSettings,
    IA3Settings,
    LatePromptSettings,
    LoraSettings,
    MethodSettings,
    MultitaskPromptSettings,
    PrefixSettings,
    PTuningSettings,
    SearchSettings,
    SoftPromptSettings,
    WarpSettings,
    ZeroShotSettings,
)


def make_method(settings: MethodSettings, material: Material, read_prompt: ReadPrompt) -> Method:
    """The method that the settings name, for one backbone and task, with a head where only that can answer."""
    method = _named(settings, material, read_prompt)
    if not material.headed or isinstance(method, Head | Warp):
        return method
    return Headed(method, material)


def _named(settings: MethodSettings, material: Material, read_prompt: ReadPrompt) -> Method:
    match settings:
        case SoftPromptSettings():
            return SoftPrompt(settings, material, read_prompt)
        case WarpSettings():
            return Warp(settings, material, read_prompt)
        case MultitaskPromptSettings():
            return MultitaskPrompt(settings, material, read_prompt)
        case LatePromptSettings():
            return LatePrompt(settings, material)
        case PTuningSettings():
            return PTuning(settings, material)
        case PrefixSettings():
            return Prefix(settings, material)
        case LoraSettings():
            adapters = Adapters(settings, material, rate=3e-4)
            if not settings.prompt:
                return adapters
            return Joint(SoftPrompt(SoftPromptSettings(length=settings.prompt), material, read_prompt), adapters)
        case IA3Settings():
            return Adapters(settings, material, rate=1e-2)
        case BitFitSettings():
            return Weights(material, biases_only=True, rate=2e-3)
        case FullSettings():
            return Weights(material, biases_only=False, rate=3e-5)
        case HeadSettings():
            return Head(settings, material)
        case AutoSettings():
            raise AssertionError("method: auto is settled before anything is bound")
        case ZeroShotSettings() | FewShotSettings() | SearchSettings():
            return ZeroShot()
