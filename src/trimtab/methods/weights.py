"""Full fine-tuning, and BitFit (Ben Zaken et al. 2022): the backbone's own weights are trained, or its biases only.

A run holds its own copies, in float32; the backbone itself stays as it is. Knows nothing about tasks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from trimtab.backbones.module_tree import weight_names
from trimtab.errors import TrimtabError
from trimtab.methods.method import Condition, Material, Tensors


@dataclass(frozen=True)
class Weights:
    """Weights of the backbone, trained.

    Attributes:
        biases_only: BitFit.
        rate: by default 3e-5 for all weights, 2e-3 for biases.
    """

    material: Material
    biases_only: bool
    rate: float
    tokens: int = 0
    adapts: bool = True
    headed: bool = False

    def initial(self, seed: int) -> Tensors:
        """Copies of the weights. Raises TrimtabError for BitFit where the backbone has no biases."""
        found = {
            name: weight.detach().float().clone()
            for name, weight in weight_names(self.material.backbone.model).items()
            if not self.biases_only or name.endswith("bias")
        }
        if not found:
            kind = self.material.backbone.config.model_type
            raise TrimtabError(
                f"method 'bitfit' trains biases, and a backbone of type '{kind}' has none.",
                "Choose another method, lora or prefix say.",
            )
        return found

    def factor(self, name: str) -> float:
        """Every tensor at the run's rate."""
        return 1.0

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """The weights themselves."""
        return Condition(weights=tensors)
