"""Prefix (Li & Liang 2021): trained keys and values of every layer, in front of everything. Knows nothing about tasks.

Trained directly (which is P-tuning v2, Liu et al. 2022) or through a network; started from what the backbone computes
for a text, so that it begins as a hard prompt would. Keys stand as the layer uses them, positions applied.

N layers, P prefix length, J key/value heads, d head size, H width of the network, D hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch

from trimtab.backbones.prefix import KVCache
from trimtab.methods.method import FIXED, Condition, Material, Tensors
from trimtab.methods.start import normal, start_ids, typical_size
from trimtab.settings.methods import PrefixSettings

# Learning rate of the reparametrising network's weights, relative to that of keys and values.
NETWORK_RATE = 0.05


@dataclass(frozen=True)
class Prefix:
    """Keys and values in front of everything."""

    settings: PrefixSettings
    material: Material
    adapts: bool = False
    headed: bool = False

    @property
    def rate(self) -> float:
        """Chosen on dev, for labels and for texts (docs/benchmarks.md)."""
        return 0.025 if self.material.generates else 0.008

    @property
    def tokens(self) -> int:
        """P."""
        return self.settings.length

    @cached_property
    def _computed(self) -> KVCache:
        """Keys and values [P, J, d] a layer that the backbone computes for the text to start from."""
        settings, material = self.settings, self.material
        start: Literal["task", "labels", "text", "demonstrations"]
        match settings.init:
            case "random" | "zero":  # only their units are taken
                start = "task"
            case _:
                start = settings.init
        text = start_ids(start, settings.init_text, settings.length, material, np.random.default_rng(0))
        ids = [*material.leading, *text][: settings.length]
        with torch.no_grad():
            embeddings = material.backbone.embed(torch.tensor(ids, device=material.backbone.device))
            layers = material.backbone.read_prefix([embeddings]).layers
        return tuple((k.float(), v.float()) for k, v in layers)

    @cached_property
    def _units(self) -> dict[str, float]:
        """Typical size of the keys and of the values of each layer, by tensor name."""
        units = {}
        for layer, (k, v) in enumerate(self._computed):
            units[f"keys.{layer}"] = typical_size(k)
            units[f"values.{layer}"] = typical_size(v)
        return units

    def initial(self, seed: int) -> Tensors:
        """`keys.n` and `values.n` [P, J, d] of each layer; with `hidden` these are fixed and a network is added."""
        generator, device = np.random.default_rng([seed, 1]), self.material.backbone.device
        start: Tensors = {}
        for layer, (k, v) in enumerate(self._computed):
            for name, text in ((f"keys.{layer}", k), (f"values.{layer}", v)):
                noise = normal(tuple(text.shape), generator, device) * self._units[name]
                match self.settings.init:
                    case "zero":
                        start[name] = torch.zeros_like(text)
                    case "random":
                        start[name] = noise
                    case _:
                        start[name] = text + noise * 0.1
        if self.settings.hidden is None:
            return start
        hidden, size = self.settings.hidden, self.material.backbone.hidden_size
        return {
            **{FIXED + name: tensor for name, tensor in start.items()},
            "network.read": normal((self.settings.length, size), generator, device),
            "network.in": normal((hidden, size), generator, device) * size**-0.5,
            "network.in_bias": torch.zeros(hidden, device=device),
            FIXED + "units": torch.tensor(list(self._units.values()), device=device),
            "network.out": torch.zeros(sum(t[0].numel() for t in start.values()), hidden, device=device),
        }

    def factor(self, name: str) -> float:
        """Keys and values in units of their layer's typical size; the network's weights as they are."""
        return self._units.get(name, NETWORK_RATE)

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """Keys and values; through the network the start plus what it adds, in units of each layer's typical size."""
        made = tensors if self.settings.hidden is None else _through_network(tensors)
        layers = sum(name.startswith("keys.") for name in made)
        shift = self.settings.length if self.settings.takes_positions else 0
        return Condition(past=tuple((made[f"keys.{n}"], made[f"values.{n}"]) for n in range(layers)), shift=shift)


def _through_network(tensors: Tensors) -> Tensors:
    """start + units * (tanh(read W_in^T + b) W_out^T), split into the keys and values of each layer."""
    start = {name.removeprefix(FIXED): x for name, x in tensors.items() if name.startswith((FIXED + "k", FIXED + "v"))}
    hidden = torch.tanh(tensors["network.read"] @ tensors["network.in"].T + tensors["network.in_bias"])
    parts = torch.split(hidden @ tensors["network.out"].T, [x[0].numel() for x in start.values()], -1)
    units = tensors[FIXED + "units"]
    return {name: x + part.view_as(x) * unit for (name, x), part, unit in zip(start.items(), parts, units, strict=True)}
