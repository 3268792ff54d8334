"""Late prompt (Liu et al. 2022): trained hidden states that enter at a later layer. Knows nothing about tasks.

Below that layer the rows do not see the prompt, so that what they are there is computed once and kept while training
goes over them again. The trained tensor is in the backbone's own units, its rate in units of their typical size.

P prompt length, D hidden.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch

from trimtab.backbones.views.late import LateBackbone
from trimtab.methods.method import Condition, Material, Tensors, dropped
from trimtab.methods.start import normal, start_ids, typical_size
from trimtab.settings.methods import LatePromptSettings


@dataclass(frozen=True)
class LatePrompt:
    """Hidden states of a later layer, before the template's head and the row."""

    settings: LatePromptSettings
    material: Material
    rate: float = 0.01
    adapts: bool = False
    headed: bool = False

    @property
    def tokens(self) -> int:
        """P."""
        return self.settings.length

    @property
    def layer(self) -> int:
        """The layer the prompt enters at; by default the one half way up."""
        layers = self.material.backbone.fused_layers
        return self.settings.layer if self.settings.layer is not None else layers // 2

    @cached_property
    def backbone(self) -> LateBackbone:
        """The layers from there on."""
        kept = self.settings.cache_megabytes << 20 if self.material.training else 0
        return LateBackbone(self.material.backbone, self.layer, self.material.head, kept)

    @cached_property
    def _computed(self) -> torch.Tensor:
        """Hidden states [P, D] of the text to start from, where the prompt enters."""
        settings = self.settings
        start: Literal["task", "labels", "text"] = "task" if settings.init == "random" else settings.init
        ids = start_ids(start, settings.init_text, settings.length, self.material, np.random.default_rng(0))
        first = self.material.leading or ids[:1]  # hidden states of a first token are not like the others'
        return self.backbone.entering([*first, *ids])[len(first) :].float()

    @cached_property
    def _unit(self) -> float:
        """Typical size of these hidden states."""
        return typical_size(self._computed)

    def initial(self, seed: int) -> Tensors:
        """`prompt` [P, D]. Raises TrimtabError where the backbone cannot be entered at this layer."""
        assert self.backbone  # which says what is wrong with the layer
        generator, device = np.random.default_rng([seed, 1]), self.material.backbone.device
        shape = (self.settings.length, self.material.backbone.hidden_size)
        noise = normal(shape, generator, device) * self._unit
        return {"prompt": noise if self.settings.init == "random" else self._computed + noise * 0.1}

    def factor(self, name: str) -> float:
        """In units of the hidden states' typical size."""
        return self._unit

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """The prompt, and the layers it goes through."""
        return Condition(soft=dropped(tensors["prompt"], self.settings.dropout, noise), view=self.backbone)
