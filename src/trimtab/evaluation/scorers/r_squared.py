"""Numbers scored by the share of the variance that is explained. Knows nothing about ways or how they answer.

N rows, S seeds of a way, W ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.interval.bootstrap import Floats, Ints
from trimtab.evaluation.interval.groups import Groups
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.interval.row_sums import RowSums
from trimtab.evaluation.interval.rows_and_seeds import r_squared_interval, sums_interval
from trimtab.evaluation.metrics.metric import Metric

RMSE = Metric(name="RMSE", what="root mean squared error, in the numbers’ own unit", unit="own", higher_is_better=False)


@dataclass(frozen=True)
class RSquared:
    """The share of the variance of numbers that is explained: 1 is perfect, 0 no better than always giving their mean.

    Attributes:
        right_N: the right numbers. Where they are all the same, R squared is 0 unless all answers are right.
        groups: which rows belong together; each stands alone by default.
    """

    right_N: NDArray[np.float64]
    groups: Groups | None = None

    whole_row = 0.0
    test = "permutation"

    @property
    def metric(self) -> Metric:
        """R squared."""
        return Metric(name="R²", what="share of the variance of the right numbers that is explained")

    @property
    def others(self) -> list[Metric]:
        """Root mean squared error, in the numbers' own unit."""
        return [RMSE]

    def rows(self, answers_N: NDArray[Any]) -> NDArray[np.float64]:
        """Squared error of each row [N]."""
        errors: NDArray[np.float64] = (answers_N - self.right_N) ** 2
        return errors

    def score(self, rows_N: NDArray[Any]) -> float:
        """R squared."""
        error, variance = float(rows_N.mean()), float(self.right_N.var())
        if not variance:
            return 0.0 if error else 1.0
        return 1 - error / variance

    def interval(self, rows_SN: NDArray[Any], seed: int) -> Interval:
        """Of the mean R squared."""
        if not self.right_N.var():
            score = float(np.mean([self.score(row) for row in rows_SN]))
            return Interval(score, score)
        return r_squared_interval(rows_SN, self.right_N, self.groups, seed)

    def moves(self, rows_N: NDArray[Any]) -> NDArray[np.float64]:
        """How much less error than the mean a row has, and what it does to the variance that there is."""
        variance, error = float(self.right_N.var()), float(rows_N.mean())
        if not variance:
            return np.zeros(len(rows_N))
        spread_N = (self.right_N - self.right_N.mean()) ** 2 - variance
        moves_N: NDArray[np.float64] = (error - rows_N + error / variance * spread_N) / variance
        return moves_N

    def part(self, at: Ints) -> RootMeanSquare:
        """By RMSE: parts whose numbers spread less explain less of their variance with errors that are no larger."""
        return RootMeanSquare(self.groups.part(at) if self.groups else None)

    def beside(self, answers_N: NDArray[Any]) -> dict[str, float]:
        """Root mean squared error, in the numbers' own unit."""
        return {RMSE.name: float(np.sqrt(self.rows(answers_N).mean()))}

    def each(self, answers_N: NDArray[Any]) -> None:
        """None: how far off a number is can be seen."""

    def said(self, row: int, answer: Any) -> str:
        """The number, four digits."""
        return f"{float(answer):.4g}"

    def right(self, row: int) -> str:
        """The right number, four digits."""
        return self.said(row, self.right_N[row])

    def divided(self, answers_WN: NDArray[Any]) -> list[int]:
        """By how far the least and the largest number lie apart."""
        apart_N = np.ptp(answers_WN, axis=0)
        order = np.argsort(-apart_N, kind="stable")
        return [int(i) for i in order if apart_N[i] > 0]


@dataclass(frozen=True)
class RootMeanSquare:
    """The root mean squared error of some of the rows, from the squared error of each (see `scorer.PartScorer`).

    Attributes:
        groups: which rows belong together; each stands alone by default.
    """

    groups: Groups | None = None

    @property
    def metric(self) -> Metric:
        """RMSE."""
        return RMSE

    def score(self, rows_N: NDArray[Any]) -> float:
        """RMSE, in the numbers' own unit."""
        return float(np.sqrt(rows_N.mean()))

    def interval(self, rows_SN: NDArray[Any], seed: int) -> Interval:
        """By the bootstrap."""
        return sums_interval(np.stack([rows_SN, np.ones_like(rows_SN)], axis=-1), _root_mean, self.groups, seed)

    def moves(self, rows_N: NDArray[Any]) -> Floats:
        """What leaving each row out takes away."""
        return RowSums(np.stack([rows_N, np.ones_like(rows_N)], axis=-1), _root_mean).moves_N


def _root_mean(sums: Floats) -> Floats:
    root: Floats = np.sqrt(np.maximum(sums[..., 0], 0.0) / sums[..., 1])
    return root
