"""The loss over the rows of several tasks that share parameters. Knows nothing about the tasks.

K runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch

from trimtab.training.loop import Loss, Parameters
from trimtab.training.objective import Objective


def joint_loss(objectives: Sequence[Objective]) -> Loss:
    """Mean loss of each run [K] over rows that are counted through all objectives' training rows, the first's first."""
    ends = list(accumulate(len(objective.criterion.train) for objective in objectives))
    starts = [0, *ends[:-1]]

    def loss(
        runs: Sequence[int], parameters: Sequence[Parameters], rows: Sequence[Sequence[int]], step: int
    ) -> torch.Tensor:
        total = torch.zeros(len(runs), device=objectives[0].backbone.device)
        for objective, start, end in zip(objectives, starts, ends, strict=True):
            own = [[i - start for i in members if start <= i < end] for members in rows]
            at = [k for k, members in enumerate(own) if members]
            if not at:
                continue
            losses = objective.loss([runs[k] for k in at], [parameters[k] for k in at], [own[k] for k in at], step)
            shares = torch.tensor([len(own[k]) / len(rows[k]) for k in at], device=losses.device)
            total = total.index_add(0, torch.tensor(at, device=losses.device), losses * shares)
        return total

    return loss
