"""Zero-shot: the backbone's own answer; nothing is trained. Knows nothing about tasks."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from trimtab.methods.method import Condition, Tensors


@dataclass(frozen=True)
class ZeroShot:
    """Nothing trained, nothing changed."""

    tokens: int = 0
    rate: float = 0.0
    adapts: bool = False

    def initial(self, seed: int) -> Tensors:
        """No tensors."""
        return {}

    def factor(self, name: str) -> float:
        """There is no tensor to ask for."""
        return 1.0

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """The backbone as it is."""
        return Condition()
