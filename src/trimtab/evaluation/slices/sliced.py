"""Scores of the parts that rows are divided into, and which are really worse than the rest. Knows no kinds of answer.

N rows, P parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.chance.holm import holm
from trimtab.evaluation.chance.one_part import lower_parts
from trimtab.evaluation.interval.groups import each_alone
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.metrics.metric import Metric
from trimtab.evaluation.scorers.scorer import Scorer
from trimtab.evaluation.slices.divided import By, Division

# A part, and the rest, must have so many rows, or groups of rows that belong together, to be tested.
FEWEST_ROWS = 10
ERROR = 0.05


@dataclass(frozen=True)
class Slice:
    """A part of the rows.

    Attributes:
        name: what its rows have in common; "" where that is an empty value.
        rows: how many they are.
        score: as the metric has it, points as shares.
        interval: its 95% interval: Wilson's of shares, else by the bootstrap.
        rest: the score of all other rows; None where there are none.
        p_value: how likely it would be as low if it were chance which rows are in it (one-sided; `lower_parts`); None
            where it, or the rest, is too small to be tested.
        p_adjusted: the same by Holm, for all slices that were looked at.
    """

    name: str
    rows: int
    score: float
    interval: Interval
    rest: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None

    @property
    def worse(self) -> bool:
        """Whether it is worse than the rest by more than chance explains."""
        return self.p_adjusted is not None and self.p_adjusted < ERROR


@dataclass(frozen=True)
class SlicesBy:
    """The parts of one division (see `divided.Division`), and what answers are called where it is by answer."""

    by: By
    name: str
    slices: list[Slice]


@dataclass(frozen=True)
class Sliced:
    """All slices of some rows.

    Attributes:
        metric: what they are scored by.
        tested: how many were tested.
        divided: by what they were divided.
    """

    metric: Metric
    tested: int = 0
    divided: list[SlicesBy] = field(default_factory=list)


def sliced(
    scorer: Scorer, answers_N: NDArray[Any], divisions: Sequence[Division], right: str, *, seed: int = 0
) -> Sliced:
    """Score each part, and test it against the rest.

    What is tested is by how much rows move the score (see `Scorer.moves`): of shares, whether each is right. All parts
    of all divisions are one family.

    Args:
        scorer: scores the rows.
        answers_N: what was answered.
        divisions: the parts.
        right: what the right answer is called, `right label`.
        seed: seed of resamples and draws.
    """
    every, rows_N = np.arange(len(answers_N)), scorer.rows(answers_N)
    whole = scorer.part(every)
    sign = -1.0 if whole.metric.higher_is_better is False else 1.0
    inside_NP = np.zeros((len(every), sum(len(division.parts) for division in divisions)), dtype=bool)
    for p, part in enumerate(part for division in divisions for part in division.parts):
        inside_NP[list(part.rows), p] = True
    groups = whole.groups or each_alone(len(every))
    tested = [
        p for p, inside_N in enumerate(inside_NP.T)
        if min(groups.part(np.flatnonzero(side)).count for side in (inside_N, ~inside_N)) >= FEWEST_ROWS
    ]  # fmt: skip
    p_values = lower_parts(sign * whole.moves(rows_N), inside_NP[:, tested], groups, seed=seed) if tested else []
    found = dict(zip(tested, zip(p_values, holm(p_values), strict=True), strict=True))

    def score(at: NDArray[np.int64]) -> float:
        return scorer.part(at).score(rows_N[at])

    def made(p: int, name: str) -> Slice:
        at, others = np.flatnonzero(inside_NP[:, p]), np.flatnonzero(~inside_NP[:, p])
        interval = scorer.part(at).interval(rows_N[at][None], seed)
        rest = score(others) if len(others) else None
        return Slice(name, len(at), score(at), interval, rest, *found.get(p, (None, None)))

    places = iter(range(inside_NP.shape[1]))
    divided = [
        SlicesBy(d.by, right if d.by == "answer" else d.column, [made(next(places), part.name) for part in d.parts])
        for d in divisions
    ]
    return Sliced(whole.metric, len(tested), divided)
