"""P-tuning (Liu et al. 2021): a soft prompt made by a small network. Knows nothing about tasks.

What the network makes is added to what it reads, so that the prompt starts where the settings say (in the paper it
starts at the untrained network's output). P prompt length, D hidden, H width of the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from trimtab.methods.method import Condition, Material, Tensors
from trimtab.methods.start import start_vectors
from trimtab.settings.methods import PTuningSettings

# Learning rate of the network's weights, relative to that of the vectors it reads.
NETWORK_RATE = 0.025


class _LSTM(nn.Module):
    """Two layers of a bidirectional LSTM (Hochreiter & Schmidhuber 1997), then an MLP: [P, D] -> [P, D]."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(size, hidden, num_layers=2, bidirectional=True)
        self.head = nn.Sequential(nn.Linear(2 * hidden, 2 * hidden), nn.ReLU(), nn.Linear(2 * hidden, size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(x)[0])  # type: ignore[no-any-return]


@dataclass(frozen=True)
class PTuning:
    """A soft prompt from a network, before the row or in the template's soft slots."""

    settings: PTuningSettings
    material: Material
    rate: float = 0.04
    adapts: bool = False
    headed: bool = False

    @property
    def length(self) -> int:
        """P."""
        return self.material.slots or self.settings.length

    @property
    def tokens(self) -> int:
        """P, or 0 where the template has the places."""
        return 0 if self.material.slots else self.settings.length

    @cached_property
    def _network(self) -> nn.Module:
        size, hidden = self.material.backbone.hidden_size, self.settings.hidden
        if self.settings.encoder == "lstm":
            made: nn.Module = _LSTM(size, hidden)
        else:
            made = nn.Sequential(
                nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, size)
            )
        return made.to(self.material.backbone.device)

    def initial(self, seed: int) -> Tensors:
        """`input` [P, D] in units of the embedding RMS, and the network's weights."""
        settings, generator = self.settings, np.random.default_rng([seed, 1])
        start = start_vectors(settings.init, settings.init_text, self.length, self.material, generator)
        tensors = {"input": start}
        for name, weight in self._network.named_parameters():
            bound = float(weight.shape[-1]) ** -0.5  # torch's own default for linear layers
            values = generator.uniform(-bound, bound, tuple(weight.shape))
            tensors[f"network.{name}"] = torch.from_numpy(values).float().to(start.device)
        return tensors

    def factor(self, name: str) -> float:
        """The network's weights change more slowly than what it reads."""
        return 1.0 if name == "input" else NETWORK_RATE

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """What the network reads plus what it makes of it, in the model's units."""
        weights = {name.removeprefix("network."): x for name, x in tensors.items() if name.startswith("network.")}
        made = functional_call(self._network, weights, (tensors["input"],))
        return Condition(soft=(tensors["input"] + made) * self.material.backbone.embedding_rms)
