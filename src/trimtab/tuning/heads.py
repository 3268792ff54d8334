"""Heads fitted to the hidden states of a task's rows, behind its prompt. Knows nothing about run folders.

W hidden states of all rows, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from trimtab.decoding.scoring import passes
from trimtab.errors import TaskError
from trimtab.kinds.bound_task import BoundTask
from trimtab.methods.method import Condition, Tensors
from trimtab.training.fit import Fit, fit_plan
from trimtab.training.head_criterion import HeadCriterion
from trimtab.training.kept_rows import KeptStates, states_read
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
    return KeptStates(backbone, bound.prompt(condition), rows, judged, order, megabytes << 20), groups
