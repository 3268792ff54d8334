"""Head only: a linear layer on a hidden state scores the labels, or on each token's the tags.

Knows nothing about tasks.

C labels, D hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from trimtab.backbones.views.early import EarlyBackbone
from trimtab.methods.method import Condition, Material, Tensors, dropped
from trimtab.settings.methods import HeadSettings


@dataclass(frozen=True)
class Head:
    """A new last layer; nothing in the backbone is trained."""

    settings: HeadSettings
    material: Material
    tokens: int = 0
    adapts: bool = False
    headed: bool = True

    @property
    def rate(self) -> float:
        """1e-3 from the vectors of label words, 1e-2 from zero."""
        return 0.001 if self._from_words else 0.01

    @property
    def _from_words(self) -> bool:
        """What label words are scored by is the last layer's, where the row is answered."""
        return self.settings.init == "labels" and not self.material.headed and self.view is None

    @cached_property
    def view(self) -> EarlyBackbone | None:
        """The part of the backbone that is read; None for the whole of it. Raises BackboneError where there is none."""
        layer, mean = self.settings.layer, self.settings.pooling == "mean"
        return EarlyBackbone(self.material.backbone, layer, mean=mean) if layer is not None or mean else None

    def initial(self, seed: int) -> Tensors:
        """`weight` [C, D] and `bias` [C]: from the output vectors of each label's words, or zero."""
        backbone, verbalizer = self.material.backbone, self.material.verbalizer
        weight = torch.zeros(len(verbalizer.labels), backbone.hidden_size, device=backbone.device)
        if self._from_words:
            for label in range(len(weight)):
                ids = [word.ids[0] for word in verbalizer.words if word.label == label]
                weight[label] = backbone.output.weight[torch.tensor(ids, device=backbone.device)].float().mean(0)
        return {"weight": weight, "bias": torch.zeros(len(weight), device=backbone.device)}

    def factor(self, name: str) -> float:
        """Every tensor at the run's rate."""
        return 1.0

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """The layer, and what it reads. Dropout falls on weights' inputs: a column is zeroed for the whole batch."""
        keep = dropped(torch.ones_like(tensors["weight"][:1]), self.settings.dropout, noise)
        return Condition(head=(tensors["weight"] * keep, tensors["bias"]), view=self.view)
