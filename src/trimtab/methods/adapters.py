"""LoRA, DoRA, rsLoRA and IA3, out of the PEFT library: small modules around the backbone's linear layers.

The modules are made once, by PEFT in a copy of the backbone's tree. Knows nothing about tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

from trimtab.backbones.module_tree import copied
from trimtab.backbones.silence import quiet
from trimtab.errors import TrimtabError, did_you_mean
from trimtab.methods.method import Condition, Material, Tensors
from trimtab.settings.methods import IA3Settings, LoraSettings, need_extra


@dataclass(frozen=True)
class Adapters:
    """PEFT modules around linear layers.

    Attributes:
        rate: by default 3e-4 for LoRA and its kin, 1e-2 for IA3.
    """

    settings: LoraSettings | IA3Settings
    material: Material
    rate: float
    tokens: int = 0
    adapts: bool = True
    headed: bool = False

    def initial(self, seed: int) -> Tensors:
        """The modules' weights by their names in the backbone, as PEFT starts them.

        Raises:
            TrimtabError: the PEFT library is not installed, or knows no target layers for the backbone.
        """
        modules = self._modules
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for module in modules.values():
                _start(module, isinstance(self.settings, LoraSettings))
            return {
                f"{place}.{name}": weight.detach().float().clone()
                for place, module in modules.items()
                for name, weight in module.named_parameters()
                if not name.startswith("base_layer.")
            }

    def factor(self, name: str) -> float:
        """Every tensor at the run's rate."""
        return 1.0

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """The modules, and the weights to put into them."""
        if isinstance(self.settings, LoraSettings) and self.settings.dropout:
            for module in self._modules.values():
                module.train(noise is not None)
            if noise is not None:  # PEFT draws its dropout from torch's own generator, in the pass that follows
                torch.manual_seed(noise.initial_seed())
        return Condition(weights=tensors, modules=self._modules)

    @cached_property
    def _modules(self) -> dict[str, nn.Module]:
        """What PEFT puts into the model by these settings."""
        need_extra(self.settings)
        from peft import IA3Config, LoraConfig

        self._check_targets()
        try:
            modules = peft_modules(self._config(LoraConfig, IA3Config), self.material.backbone.model)
        except ValueError as error:
            raise self._refusal(error) from None
        ends = self._ends & set(modules)
        if ends:
            raise TrimtabError(
                f"method.targets names '{min(ends).rpartition('.')[2]}', which is not a layer within the backbone.",
                "Name linear layers between the embeddings and the output.",
            )
        return modules

    @property
    def _ends(self) -> set[str]:
        """Names of modules that stay as they are."""
        backbone = self.material.backbone
        ends = (backbone.embedding, backbone.output)
        return {name for name, module in backbone.model.named_modules() if any(module is end for end in ends)}

    def _config(self, lora: type, ia3: type) -> object:
        settings, model = self.settings, self.material.backbone.model
        if isinstance(settings, IA3Settings):
            return ia3(fan_in_fan_out=transposed(model))
        return lora(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            target_modules=settings.targets or "all-linear",
            use_dora=settings.dora,
            use_rslora=settings.rslora,
            fan_in_fan_out=transposed(model),
        )

    def _check_targets(self) -> None:
        """Raise TrimtabError for a target that is no layer: PEFT would train the others without a word."""
        targets = self.settings.targets if isinstance(self.settings, LoraSettings) else None
        names = [name for name, _ in self.material.backbone.model.named_modules()]
        for target in targets or ():
            if not any(name == target or name.endswith(f".{target}") for name in names):
                raise self._refusal(ValueError(target))

    def _refusal(self, error: ValueError) -> TrimtabError:
        model = self.material.backbone.model
        linear = {name.rpartition(".")[2] for name, module in model.named_modules() if isinstance(module, nn.Linear)}
        targets = self.settings.targets if isinstance(self.settings, LoraSettings) else None
        if not targets:
            kind = self.material.backbone.config.model_type
            return TrimtabError(f"method '{self.settings.name}' on a backbone of type '{kind}': {error}")
        unknown = (target for target in targets if target.rpartition(".")[2] not in linear)
        wrong = next(unknown, str(error) if str(error) in targets else targets[0])
        return TrimtabError(
            f"method.targets names '{wrong}', which is no linear layer of the backbone.",
            did_you_mean(wrong, linear) or f"Its linear layers are {', '.join(sorted(linear))}.",
        )


def transposed(model: nn.Module) -> bool:
    """Whether a model's linear layers hold their weights the other way round, as GPT-2's do."""
    return any(type(module).__name__ == "Conv1D" for module in model.modules())


def peft_modules(config: Any, model: nn.Module, *, shapes_alone: bool = False) -> dict[str, Any]:
    """What PEFT puts into a model, by their places.

    Args:
        config: PEFT's configuration.
        model: the model; PEFT is given a copy of its tree, which shares its weights.
        shapes_alone: give the new weights no memory.

    Raises:
        ValueError: PEFT finds no layers to put them into.
    """
    from peft import inject_adapter_in_model
    from peft.tuners.tuners_utils import BaseTunerLayer

    tree, own = copied(model), list(model.parameters())
    try:
        with quiet():
            inject_adapter_in_model(config, tree, low_cpu_mem_usage=shapes_alone)
    finally:
        for weight in own:  # PEFT may have some trained
            weight.requires_grad_(False)
    modules = {name: module for name, module in tree.named_modules() if isinstance(module, BaseTunerLayer)}
    for module in modules.values():
        module.eval()
    return modules


def _start(module: nn.Module, low_rank: bool) -> None:
    """Start an adapter anew from torch's generator; where PEFT starts at fixed values they stand already."""
    if low_rank:
        for name in getattr(module, "lora_A", {}):
            module.reset_lora_parameters(name, True)  # type: ignore[operator]
