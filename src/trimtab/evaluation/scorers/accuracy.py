"""Labels and choices scored by accuracy. Knows nothing about ways or how they answer.

N rows, S seeds of a way, W ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.interval.bootstrap import Floats, Ints
from trimtab.evaluation.interval.groups import Groups
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.interval.shares import share_interval_of_seeds
from trimtab.evaluation.metrics.metric import Metric
from trimtab.evaluation.scores.classes import macro_f1

MACRO_F1 = Metric(name="macro F1", what="mean F1 of the labels")


@dataclass(frozen=True)
class Accuracy:
    """The share of rows answered rightly.

    Attributes:
        right_N: index of the right answer of each row.
        names: the answers that each row may get, N of them: its options, or the labels.
        labels: how many labels there are; 0 for choices, whose classes would be places.
        groups: which rows belong together; each stands alone by default.
    """

    right_N: NDArray[np.int64]
    names: Sequence[Sequence[str]]
    labels: int
    groups: Groups | None = None

    whole_row = 1.0
    test = "McNemar"

    @property
    def metric(self) -> Metric:
        """Accuracy."""
        return Metric(name="accuracy", what="share of rows answered rightly")

    @property
    def others(self) -> list[Metric]:
        """Macro F1, where answers are labels."""
        return [MACRO_F1] if self.labels else []

    def rows(self, answers_N: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether each row is answered rightly [N]."""
        right: NDArray[np.bool_] = answers_N == self.right_N
        return right

    def score(self, rows_N: NDArray[Any]) -> float:
        """Accuracy."""
        return float(rows_N.mean())

    def interval(self, rows_SN: NDArray[Any], seed: int) -> Interval:
        """Of the mean accuracy."""
        moves_SN = np.stack([self.moves(rows_N) for rows_N in rows_SN])
        return share_interval_of_seeds(rows_SN.mean(axis=1).tolist(), moves_SN, self.groups)

    def moves(self, rows_N: NDArray[Any]) -> Floats:
        """Right or not, less accuracy."""
        moves_N: Floats = rows_N - rows_N.mean()
        return moves_N

    def part(self, at: Ints) -> Accuracy:
        """The same of some of the rows."""
        names = [self.names[i] for i in at.tolist()]
        return Accuracy(self.right_N[at], names, self.labels, self.groups.part(at) if self.groups else None)

    def beside(self, answers_N: NDArray[Any]) -> dict[str, float]:
        """Macro F1, where answers are labels."""
        return {MACRO_F1.name: macro_f1(self.right_N, answers_N, self.labels)} if self.labels else {}

    def each(self, answers_N: NDArray[Any]) -> None:
        """None: a row is right or not."""

    def said(self, row: int, answer: Any) -> str:
        """The label or option."""
        return self.names[row][int(answer)]

    def right(self, row: int) -> str:
        """The right label or option."""
        return self.said(row, self.right_N[row])

    def divided(self, answers_WN: NDArray[Any]) -> list[int]:
        """By the number of different answers; of equals, those of which no answer prevails."""
        different = np.array([len(np.unique(column)) for column in answers_WN.T])
        prevailing = np.array([np.bincount(column).max() for column in answers_WN.T])
        rows = np.flatnonzero(different > 1).tolist()
        return sorted(rows, key=lambda i: (-different[i], prevailing[i], i))
