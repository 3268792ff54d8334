"""What scores answers of one kind, and says what of a difference is chance. Knows nothing about how ways answer.

N rows, S seeds of a way, W ways, K sums of a metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from trimtab.evaluation.interval.bootstrap import Floats, Ints
from trimtab.evaluation.interval.groups import Groups
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.metrics.metric import Metric

# What ways of several seeds are tested by.
SEVERAL_SEEDS = "sign flips over rows and seeds"
# What takes the place of a test of rows where rows belong together.
OF_GROUPS = "sign flips of groups"


class PartScorer(Protocol):
    """Scores some of the rows, from what `Scorer.rows` says of them (see `Scorer`)."""

    @property
    def groups(self) -> Groups | None: ...  # noqa: D102

    @property
    def metric(self) -> Metric: ...  # noqa: D102

    def score(self, rows_N: NDArray[Any]) -> float: ...  # noqa: D102

    def interval(self, rows_SN: NDArray[Any], seed: int) -> Interval: ...  # noqa: D102

    def moves(self, rows_N: NDArray[Any]) -> Floats: ...  # noqa: D102


class Scorer(Protocol):
    """Scores answers of one kind to the same N rows against the right ones."""

    @property
    def whole_row(self) -> float:
        """The most that the score of a row may differ by, as a share; 0 where that is not known."""
        ...

    @property
    def test(self) -> str:
        """What a difference of two ways of one seed is tested by, where rows stand alone."""
        ...

    @property
    def groups(self) -> Groups | None:
        """Which rows belong together; None where each stands alone."""
        ...

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

    def moves(self, rows_N: NDArray[Any]) -> Floats:
        """By how much each row moves the score of one seed [N] (its influence; see `interval/shares`)."""
        ...

    def part(self, at: Ints) -> PartScorer:
        """What scores the rows of those places, so that several parts can be set beside one another."""
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
