"""Heads fitted to the hidden states of a task's rows, behind its prompt. Knows nothing about run folders.

W hidden states of all rows, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch

from trimtab.backbones.open import Progress
from trimtab.decoding.scoring import passes
from trimtab.errors import TaskError
from trimtab.kinds.bound_task import BoundTask
from trimtab.methods.headed import BIAS, WEIGHT
from trimtab.methods.method import Condition, Tensors
from trimtab.settings.methods import MOST_FITTED
from trimtab.training.fitting.fit import Fit, fit_plan
from trimtab.training.head_criterion import HeadCriterion
from trimtab.training.kept_rows import KeptStates, read_states, states_read
from trimtab.training.objective import Objective
from trimtab.training.plan import Dev
from trimtab.training.targets import Target


def fit_of(bound: BoundTask, train: Sequence[Target], dev: Sequence[Target], weight: float, seed: int) -> Fit:
    """The fit of a head to train, scored on dev, a row of which costs so many of train's.

    Raises:
        TaskError: the rows' hidden states would not fit into memory.
    """
    start = bound.method.initial(seed)
    states, groups = read_states_of(bound, train, dev, bound.method.condition(start))
    criterion = bound.kind.criterion(bound, train, dev, states)
    assert isinstance(criterion, HeadCriterion)

    def condition(head: Tensors, step: int | None, run: int) -> Condition:
        return bound.method.condition(head)

    judged = Objective(bound.pretrained.backbone, criterion, condition, bound.prompt)
    plan = fit_plan(len(train), len(groups), seed, Dev(len(dev), weight))
    return Fit(plan, start, groups, states.train, criterion.fitted, judged.evaluate)


def fitted_start(
    bound: BoundTask, train: Sequence[Target], start: Tensors, seed: int, progress: Progress | None = None
) -> Tensors:
    """The tensors that a prompt and class vectors start from, the vectors fitted to train behind the prompt.

    Args:
        bound: the task, of a method with a prompt and a head of its own.
        train: the rows; of more than `MOST_FITTED` so many are drawn.
        start: the tensors before, whose head the fit may draw to (see `Outputs.fitted`).
        seed: what rows are drawn by.
        progress: told how many rows have been read.
    """
    rows = train
    if len(train) > MOST_FITTED:
        drawn = np.random.default_rng([seed, 7]).choice(len(train), MOST_FITTED, replace=False)
        rows = [train[i] for i in sorted(drawn.tolist())]
    criterion = bound.kind.criterion(bound, rows, [], None)
    assert isinstance(criterion, HeadCriterion)
    backbone, own = bound.pretrained.backbone, [row.read() for row in criterion.train]
    states: dict[int, torch.Tensor] = {}
    with torch.no_grad():
        prefix = backbone.read_prefix([bound.prompt(bound.method.condition(start), backbone)])
        for group in passes([len(row.ids) for row in own]):
            if progress:
                progress("fitting class vectors", len(states), len(own))
            read = [own[i] for i in group]
            parts = torch.split(read_states(backbone, read, prefix), [states_read(row) for row in read])
            states |= dict(zip(group, parts, strict=True))
    fitted = criterion.fitted([states[i] for i in range(len(rows))], (start[WEIGHT], start[BIAS]))
    return {**start, **dict(zip((WEIGHT, BIAS), fitted.head, strict=True))}


def read_states_of(
    bound: BoundTask, train: Sequence[Any], dev: Sequence[Any], condition: Condition
) -> tuple[KeptStates, list[list[int]]]:
    """What reads hidden states of rows behind the prompt of a condition, and the groups in which train is read.

    Raises:
        TaskError: where they would not fit into the memory that the method may take.
    """
    backbone = condition.view or bound.pretrained.backbone
    megabytes = getattr(bound.task.method, "cache_megabytes", 0)
    rows, judged = [row.read() for row in train], [row.read() for row in dev]
    needed = 4 * backbone.hidden_size * sum(map(states_read, [*rows, *judged]))
    if needed > megabytes << 20:
        raise TaskError(
            f"the hidden states of {len(rows) + len(judged):,} rows take {-(-needed >> 20):,} MB, and "
            f"method.cache_megabytes is {megabytes:,}.",
            f"--set method.cache_megabytes={-(-needed >> 20)}, or train the head in steps: --set method.solver=steps.",
        )
    groups = list(passes([len(row.ids) for row in rows]))
    order = list(chain.from_iterable(groups))
    return KeptStates(backbone, bound.prompt(condition, backbone), rows, judged, order, megabytes << 20), groups
