"""Zero-shot, few-shot and hard prompts: the backbone's own answer; nothing is trained. Knows nothing about tasks.

C labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from trimtab.methods.method import FIXED, Condition, Tensors

# Log-probabilities [C] that the backbone gives to rows without content (Zhao et al. 2021).
CALIBRATION = FIXED + "calibration"


@dataclass(frozen=True)
class ZeroShot:
    """Nothing trained, nothing changed."""

    tokens: int = 0
    rate: float = 0.0
    adapts: bool = False
    headed: bool = False

    def initial(self, seed: int) -> Tensors:
        """No tensors."""
        return {}

    def factor(self, name: str) -> float:
        """There is no tensor to ask for."""
        return 1.0

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """The backbone as it is, its answers calibrated where the run holds what that takes."""
        return Condition(calibration=tensors.get(CALIBRATION))
