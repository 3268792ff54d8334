"""Multitask prompt (Wang et al. 2023): a prompt that several tasks share, times a low-rank matrix of each task's own.

The prompt of task k is P * (u_k v_k), element by element. All are trained on the rows of all tasks together, and
another task may start from them. Knows nothing about where those rows come from. P prompt length, D hidden, R rank.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from trimtab.methods.method import Condition, Material, Tensors, dropped
from trimtab.methods.start import chosen_run, fitting, normal, start_vectors
from trimtab.settings.methods import MultitaskPromptSettings

SHARED, ROWS, COLUMNS = "shared", "u", "v"
# Learning rate of u and v, relative to the shared prompt's; and the noise they start with.
FACTOR, NOISE = 0.25, 0.02


def source(k: int) -> str:
    """What the names of source task k's tensors start with."""
    return f"source.{k}."


def composed(tensors: Tensors, whose: str = "") -> torch.Tensor:
    """The prompt [P, D] of a task in units of the embedding RMS; `whose` as of `source`, "" for the run's own."""
    return tensors[SHARED] * (tensors[whose + ROWS] @ tensors[whose + COLUMNS])


@dataclass(frozen=True)
class MultitaskPrompt:
    """A shared prompt and each task's own change of it; before the row, or in the template's soft slots."""

    settings: MultitaskPromptSettings
    material: Material
    read_prompt: Callable[[Path], Tensors]
    rate: float = 0.08
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

    def initial(self, seed: int) -> Tensors:
        """`shared` [P, D]; `u` [P, R] and `v` [R, D], whose product is about one; `source.k.u`, `source.k.v` alike.

        From another run: its shared prompt, and the mean of its tasks' u and v for each task. From a soft prompt: that.

        Raises:
            TrimtabError: where the text or run to start from will not do.
        """
        settings, generator = self.settings, np.random.default_rng([seed, 1])
        if settings.init == "run":
            folder = chosen_run(settings.init_run, self.material)
            before = {name: x.to(self.material.backbone.device) for name, x in self.read_prompt(folder).items()}
            shared = fitting(before.get(SHARED, before.get("prompt", torch.empty(0))), self.length, folder)
        else:
            before = {}
            shared = start_vectors(settings.init, settings.init_text, self.length, self.material, generator)
        tensors = {SHARED: shared}
        for whose in ("", *(source(k) for k in range(len(settings.sources)))):
            tensors |= self._factors(whose, before, generator)
        return tensors

    def _factors(self, whose: str, before: Tensors, generator: np.random.Generator) -> Tensors:
        backbone, rank = self.material.backbone, self.settings.rank
        shapes = {ROWS: (self.length, rank), COLUMNS: (rank, backbone.hidden_size)}
        out = {}
        for name, shape in shapes.items():
            same = [x for key, x in before.items() if key.endswith(name) and x.shape == shape]
            one = torch.ones(shape, device=backbone.device) / (rank if name == ROWS else 1)
            start = torch.stack(same).mean(0) if same else one
            out[whose + name] = start + NOISE * normal(shape, generator, backbone.device)
        return out

    def factor(self, name: str) -> float:
        """The shared prompt at the run's rate, u and v at a quarter of it."""
        return 1.0 if name == SHARED else FACTOR

    def condition(self, tensors: Tensors, noise: torch.Generator | None = None) -> Condition:
        """The run's own task's prompt in the model's units."""
        return self.of(tensors, "", noise)

    def of(self, tensors: Tensors, whose: str, noise: torch.Generator | None = None) -> Condition:
        """The prompt of the task that `whose` says (see `source`) in the model's units."""
        prompt = dropped(composed(tensors, whose), self.settings.dropout, noise)
        return Condition(soft=prompt * self.material.backbone.embedding_rms)
