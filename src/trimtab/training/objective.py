"""Loss and dev score of runs by a criterion: what the loop is given. Knows nothing about files, reports or answers.

K runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt
from trimtab.decoding.scoring import passes
from trimtab.methods.method import Condition
from trimtab.training.criterion import Conditioned, Criterion
from trimtab.training.loop import DevScore, Parameters

# (parameters of a run, step or None when judging, run) -> how they condition the backbone
Conditions = Callable[[Parameters, int | None, int], Condition]


@dataclass(frozen=True)
class Objective:
    """Loss and dev score for one task.

    Attributes:
        backbone: the frozen model.
        criterion: what rows are trained and judged by.
        condition: how a run's parameters condition the backbone.
        prompt: what is read before a row under a condition, by the backbone as that wants it.
        alone: whether runs change the backbone itself, so that each needs passes of its own.
        checkpointing: see `Backbone.forward`.
    """

    backbone: Backbone
    criterion: Criterion
    condition: Conditions
    prompt: Callable[[Condition, Backbone], Prompt]
    alone: bool = False
    checkpointing: bool = False

    def loss(
        self, runs: Sequence[int], parameters: Sequence[Parameters], rows: Sequence[Sequence[int]], step: int
    ) -> torch.Tensor:
        """Mean loss of each run [K]; all in one pass, every prompt read once, unless the runs change the backbone."""
        if len(runs) > 1 and self.alone:
            each = zip(runs, parameters, rows, strict=True)
            return torch.cat([self.loss([run], [own], [members], step) for run, own, members in each])
        conditions = [self.condition(own, step, run) for run, own in zip(runs, parameters, strict=True)]
        backbone = conditions[0].on(self.backbone)  # where conditions change the backbone, there is only one
        losses = self.criterion.losses(self._given(backbone, conditions), rows)
        run_of_row = torch.tensor([k for k, own in enumerate(rows) for _ in own], device=backbone.device)
        counts = torch.tensor([len(own) for own in rows], device=backbone.device, dtype=torch.float32)
        return losses.new_zeros(len(rows)).index_add(0, run_of_row, losses) / counts

    def evaluate(self, runs: Sequence[int], parameters: Sequence[Parameters]) -> list[DevScore]:
        """Score of each run on dev, all in one batch unless the runs change the backbone."""
        if len(runs) > 1 and self.alone:
            return [self.evaluate([run], [own])[0] for run, own in zip(runs, parameters, strict=True)]
        with torch.no_grad():
            conditions = [self.condition(own, None, run) for run, own in zip(runs, parameters, strict=True)]
            return self.criterion.evaluate(self._given(conditions[0].on(self.backbone), conditions))

    def _given(self, backbone: Backbone, conditions: Sequence[Condition]) -> Conditioned:
        prompts = [self.prompt(condition, backbone) for condition in conditions]
        return Conditioned(backbone, conditions, prompts, self.checkpointing)

    def groups(self, order: Sequence[int]) -> Iterator[list[Row]]:
        """Rows as they are run, dev's and then train's as they are first trained on: for a view that keeps some.

        Args:
            order: indices of train in the order in which they are first trained on.
        """
        dev, train = self.criterion.as_run(self.backbone)
        for rows, own in ((dev, None), (train, order)):
            for group in passes([len(row.ids) for row in rows], own):
                yield [rows[i] for i in group]
