"""What a metric is, and what it gives for the answers to N rows. Knows nothing about any one metric.

N rows, S sums of a metric (see `interval/row_sums`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.interval.row_sums import RowSums

Unit = Literal["share", "points", "ratio", "own"]


@dataclass(frozen=True)
class Metric:
    """What answers are scored by.

    Attributes:
        name: as it stands in a sentence: `accuracy`, `R²`, `entity F1`, `BLEU`.
        what: what it is, in a clause.
        unit: `share` from 0 to 1, shown as `91.2%`; `points` from 0 to 100, shown as `34.2` (comparisons hold them as
            shares, 0.342); `ratio`, shown as `1.03`; `own` is the unit of the numbers that are answered.
        higher_is_better: None where neither direction is.
    """

    name: str
    what: str = ""
    unit: Unit = "share"
    higher_is_better: bool | None = True

    @property
    def scale(self) -> float:
        """What 1 is written as: 100 where values are points, else 1."""
        return 100.0 if self.unit == "points" else 1.0

    def goodness(self, score: float) -> float:
        """The score, turned so that more is better."""
        return -score if self.higher_is_better is False else score


@dataclass(frozen=True)
class MetricResult:
    """What a metric gives for the answers to N rows.

    Attributes:
        metric: the metric.
        signature: what has to be the same for figures to be compared.
        value: over all rows, in the metric's unit.
        per_row: a value a row (N,), or None where a single row has none.
        sums: what the value is made of, for intervals and tests; None where it is no function of sums over rows.
    """

    metric: Metric
    signature: str
    value: float
    per_row: Floats | None
    sums: RowSums | None


def result_of_sums(
    metric: Metric, sums_NS: Floats, of_sums: Callable[[Floats], Floats], *, per_row: Floats | None, signature: str
) -> MetricResult:
    """Return the result of a metric that is a function of sums over rows.

    Args:
        metric: the metric.
        sums_NS: what each row adds to the sums.
        of_sums: sums of shape (..., S) -> values of shape (...).
        per_row: a value a row (N,), or None.
        signature: as in `MetricResult`.
    """
    sums = RowSums(sums_NS, of_sums)
    return MetricResult(metric, signature, sums.value, per_row, sums)


def mean_of_rows(metric: Metric, values: Sequence[float], *, signature: str) -> MetricResult:
    """Return the result of a metric that is the mean of its rows' values, each in [0, 1]."""
    values_N = np.asarray(values, dtype=np.float64)
    sums_N2 = np.stack([values_N, np.ones_like(values_N)], axis=1)
    return result_of_sums(metric, sums_N2, ratio_of_sums, per_row=values_N, signature=signature)


def ratio_of_sums(sums: Floats) -> Floats:
    """Return the first of two sums divided by the second, 0 where that is 0; shapes (..., 2) -> (...)."""
    ratio: Floats = sums[..., 0] / np.where(sums[..., 1] == 0, 1, sums[..., 1])
    return np.where(sums[..., 1] == 0, 0.0, ratio)


def f1_of_sums(sums: Floats, *, of_none: float = 1.0) -> Floats:
    """Return F1 of (right, given, right to give), `of_none` where nothing is either; shapes (..., 3) -> (...)."""
    both, either = sums[..., 0], sums[..., 1] + sums[..., 2]
    return np.where(either == 0, of_none, 2 * both / np.where(either == 0, 1, either))
