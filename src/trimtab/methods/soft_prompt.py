"""Soft prompt (Lester et al. 2021): vectors among the input's embeddings, the only thing trained.

The trained tensor is the prompt in units of the backbone's embedding RMS, so that one learning rate serves all
backbones. Knows nothing about tasks. P prompt length, D hidden.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from trimtab.methods.method import Condition, Material, Tensors, dropped
from trimtab.methods.multitask import SHARED, composed
from trimtab.methods.start import chosen_run, fitting, start_vectors
from trimtab.settings.methods import SoftPromptSettings

# Reads the tensors of a run folder that hold its soft prompt, made on this backbone.
ReadPrompt = Callable[[Path], Tensors]


@dataclass(frozen=True)
class SoftPrompt:
    """A soft prompt before the row, or in the template's soft slots."""

    settings: SoftPromptSettings
    material: Material
    read_prompt: ReadPrompt
    adapts: bool = False
    headed: bool = False

    @property
    def rate(self) -> float:
        """Chosen on dev, for labels and for texts (docs/benchmarks.md)."""
        return 0.25 if self.material.generates else 0.08

    @property
    def length(self) -> int:
        """P."""
        return self.material.slots or self.settings.length

    @property
    def tokens(self) -> int:
        """P, or 0 where the template has the places."""
        return 0 if self.material.slots else self.settings.length

    def initial(self, seed: int) -> Tensors:
        """`prompt` [P, D]. Raises TrimtabError where the text or run to start from will not do."""
        settings, generator = self.settings, np.random.default_rng([seed, 1])
        if settings.init != "run":
            start = start_vectors(settings.init, settings.init_text, self.length, self.material, generator)
            return {"prompt": start}
        folder = chosen_run(settings.init_run, self.material)
        before = self.read_prompt(folder)
        prompt = composed(before) if SHARED in before else before["prompt"]
        return {"prompt": fitting(prompt, self.length, folder).to(self.material.backbone.device)}

    def factor(self, name: str) -> float:
        """Every tensor at the run's rate."""
        return 1.0

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """The prompt in the model's units."""
        prompt = dropped(tensors["prompt"], self.settings.dropout, noise)
        return Condition(soft=prompt * self.material.backbone.embedding_rms)
