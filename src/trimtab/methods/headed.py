"""A head trained together with another method, where there are no words to score. Knows nothing about tasks.

C labels, D hidden.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from trimtab.methods.method import Condition, Material, Method, Tensors
from trimtab.methods.start import normal

WEIGHT, BIAS = "head.weight", "head.bias"
# Learning rate of the head (AdamW), and the size of the values it starts from.
RATE, START = 0.01, 0.02


@dataclass(frozen=True)
class Headed:
    """Another method, and a linear layer that scores the labels, or the tags of each token, or says the number (C = 1).

    Attributes:
        other: the other method, whose rate is the run's.
        material: what it was made from.
    """

    other: Method
    material: Material

    @property
    def tokens(self) -> int:
        """The other method's."""
        return self.other.tokens

    @property
    def rate(self) -> float:
        """The other method's."""
        return self.other.rate

    @property
    def adapts(self) -> bool:
        """As the other method."""
        return self.other.adapts

    @property
    def headed(self) -> bool:
        """It is."""
        return True

    def initial(self, seed: int) -> Tensors:
        """The other method's tensors, `head.weight` [C, D] of small noise and `head.bias` [C] of zeros."""
        backbone, labels = self.material.backbone, len(self.material.verbalizer.labels)
        noise = normal((labels, backbone.hidden_size), np.random.default_rng([seed, 5]), backbone.device)
        head = {WEIGHT: noise * START, BIAS: torch.zeros(labels, device=backbone.device)}
        return {**self.other.initial(seed), **head}

    def factor(self, name: str) -> float:
        """The head's rate keeps its ratio to the other method's own default."""
        return RATE / self.other.rate if name in (WEIGHT, BIAS) else self.other.factor(name)

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """Both at once."""
        others = {name: tensor for name, tensor in tensors.items() if name not in (WEIGHT, BIAS)}
        return replace(self.other.condition(others, noise), head=(tensors[WEIGHT], tensors[BIAS]))
