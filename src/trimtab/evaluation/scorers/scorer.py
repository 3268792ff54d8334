"""What scores answers of one kind, and says what of a difference is chance. Knows nothing about how ways answer.

N rows, S seeds of a way, R seeds of another, W ways, K sums of a metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.metrics.metric import Metric

# The test of ways of several seeds.
SEVERAL_SEEDS = "paired bootstrap"


class Scorer(Protocol):
    """Scores answers of one kind to the same N rows against the right ones."""

    @property
    def metric(self) -> Metric:
        """What scores are."""
        ...

    @property
    def others(self) -> Sequence[Metric]:
        """What stands beside them."""
        ...

    def rows(self, answers_N: NDArray[Any]) -> NDArray[Any]:
        """How each row is answered [N] or [N, K]: what scores are made of."""
        ...

    def score(self, rows_N: NDArray[Any]) -> float:
        """The score of one seed."""
        ...

    def interval(self, rows_SN: NDArray[Any], seed: int) -> Interval:
        """95% interval of the mean score, over rows and seeds."""
        ...

    def test(self, a_SN: NDArray[Any], b_RN: NDArray[Any], seed: int) -> tuple[Interval, float, str]:
        """95% interval of the difference of two ways' scores, its two-sided p-value, and the test that gives it."""
        ...

    def beside(self, answers_N: NDArray[Any]) -> dict[str, float]:
        """The values of the other metrics of one seed, by name."""
        ...

    def each(self, answers_N: NDArray[Any]) -> NDArray[Any] | None:
        """The score of each row alone [N]; None where that says no more than the answer."""
        ...

    def said(self, row: int, answer: Any) -> str:
        """An answer to a row as text."""
        ...

    def right(self, row: int) -> str:
        """The right answer to a row as text."""
        ...

    def divided(self, answers_WN: NDArray[Any]) -> list[int]:
        """Rows that ways answer differently, the most divided first, then in the order of the data."""
        ...
