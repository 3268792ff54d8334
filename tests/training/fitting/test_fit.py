"""A fit of a head in steps: wherever it is stopped, it ends with the same head."""

from __future__ import annotations

import pytest
import torch

from trimtab.errors import TrimtabError
from trimtab.training.fitting.fit import Fit, fit_plan
from trimtab.training.head_criterion import Fitted
from trimtab.training.loop import DevScore
from trimtab.training.plan import Dev

ROWS = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
GROUPS = [[3, 0], [4], [1, 2]]


def made_fit(read=None, groups=GROUPS):
    """A fit whose head is the sum of the rows, each weighed by its place: rows out of order change it."""

    def states(members):
        if read is not None:
            read.extend(members)
        return [ROWS[i : i + 1] for i in members]

    def solve(found, before):
        weight = sum((i + 1) * x for i, x in enumerate(found))
        return Fitted((weight, before[1]), 0.5)

    start = {"weight": torch.zeros(1, 4), "bias": torch.zeros(1)}
    plan = fit_plan(5, len(groups), 7, Dev(4))
    return Fit(plan, start, groups, states, solve, lambda _, heads: [DevScore(0.75, 0.25)])


@pytest.mark.parametrize("stopped", range(len(GROUPS) + 1))
def test_a_fit_that_was_stopped_reads_the_rest_and_ends_with_the_same_head(stopped):
    first = made_fit()
    for record in first.steps() if stopped else ():
        if record.step == stopped:
            break
    read: list[int] = []
    again = made_fit(read)
    again.restore(first.checkpoint())
    records = list(again.steps())
    assert read == [i for group in GROUPS[stopped:] for i in group]
    assert [record.step for record in records] == list(range(stopped + 1, 5))
    torch.testing.assert_close(again.best[0]["weight"], torch.tensor([[1.0, 2, 3, 4, 5]]) @ ROWS)
    assert (again.best_scores, again.best_steps) == ([DevScore(0.75, 0.25)], [4])


def test_a_checkpoint_of_other_rows_is_refused():
    first = made_fit()
    next(first.steps())
    with pytest.raises(TrimtabError) as caught:
        made_fit(groups=[[0, 1], [2], [3, 4]]).restore(first.checkpoint())
    assert str(caught.value) == ("the checkpoint does not fit this task. Delete it, then use --resume to start over.")
