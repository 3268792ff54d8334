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

from trimtab.errors import TrimtabError
from trimtab.methods.method import Condition, Material, Tensors, dropped
from trimtab.methods.start import start_vectors
from trimtab.spec_methods import SoftPromptSettings

# Reads the prompt [P, D] of a run folder made on this backbone, in units of the embedding RMS.
ReadPrompt = Callable[[Path], torch.Tensor]


@dataclass(frozen=True)
class SoftPrompt:
    """A soft prompt before the row, or in the template's soft slots."""

    settings: SoftPromptSettings
    material: Material
    read_prompt: ReadPrompt
    rate: float = 0.08
    adapts: bool = False

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
        if settings.init_run is None:
            raise TrimtabError("method.init is 'run' but method.init_run is not set.", "Give the run folder.")
        folder = self.material.base / settings.init_run
        prompt = self.read_prompt(folder).to(self.material.backbone.device)
        if len(prompt) != self.length:
            raise TrimtabError(
                f"{folder}: its prompt has {len(prompt)} tokens, method.length is {self.length}.",
                f"Set method.length to {len(prompt)}.",
            )
        return {"prompt": prompt}

    def factor(self, name: str) -> float:
        """Every tensor at the run's rate."""
        return 1.0

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """The prompt in the model's units."""
        prompt = dropped(tensors["prompt"], self.settings.dropout, noise)
        return Condition(soft=prompt * self.material.backbone.embedding_rms)
