"""What rows are trained and judged by: the protocol that all criteria fulfil. Knows nothing about tasks.

K runs, B rows of a pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt
from trimtab.methods.method import Condition
from trimtab.training.loop import DevScore
from trimtab.training.targets import Target


@dataclass(frozen=True)
class Conditioned:
    """A backbone as K runs condition it, for one pass.

    Attributes:
        backbone: the backbone, as the conditions want it.
        conditions: theirs.
        prompts: what is read before rows under each.
        checkpointing: see `Backbone.forward`.
    """

    backbone: Backbone
    conditions: Sequence[Condition]
    prompts: Sequence[Prompt]
    checkpointing: bool = False

    @property
    def longest(self) -> int:
        """Tokens of the longest prompt."""
        return max(prompt.length for prompt in self.prompts)


class Criterion(Protocol):
    """Loss and dev score of rows.

    Attributes:
        train, dev: the rows.
    """

    @property
    def train(self) -> Sequence[Target]: ...  # noqa: D102

    @property
    def dev(self) -> Sequence[Target]: ...  # noqa: D102

    def losses(self, given: Conditioned, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Loss of each row [B] of train, those of the first run first, all in one pass; `rows` are indices a run."""
        ...

    def evaluate(self, given: Conditioned) -> list[DevScore]:
        """Score of each run on dev, without gradients."""
        ...

    def as_run(self, backbone: Backbone) -> tuple[list[Row], list[Row]]:
        """Rows of dev and of train as passes run them, behind the first prompt."""
        ...


def batch_of(rows: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """(run, index of the row) of each row of a pass."""
    return [(k, i) for k, members in enumerate(rows) for i in members]
