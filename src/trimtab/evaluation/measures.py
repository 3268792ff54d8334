"""What answers are scored by, and what of a difference is chance. Knows nothing about ways or how they answer.

Two measures with the same few functions, both better when higher: accuracy of labels and choices, and R squared, the
share of the variance of numbers that is explained.

N rows, S seeds of a way, R seeds of another, K ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.evaluation.metrics import Interval, macro_f1
from trimtab.evaluation.number_findings import plain
from trimtab.evaluation.numbers import numbers_of
from trimtab.evaluation.significance import (
    accuracy_interval,
    paired_bootstrap,
    paired_permutation_test,
    paired_r_squared,
    paired_test,
    r_squared_interval,
)

SEVERAL_SEEDS = "paired bootstrap"


class Measure(Protocol):
    """Scores answers of one kind against the right ones."""

    def rows(self, answers_N: NDArray[Any]) -> NDArray[Any]:
        """How each row is answered [N]: what scores are made of."""
        ...

    def score(self, rows_N: NDArray[Any]) -> float:
        """The score of one seed; better when higher."""
        ...

    def interval(self, rows_SN: NDArray[Any], seed: int) -> Interval:
        """95% interval of the mean score, over rows and seeds."""
        ...

    def test(self, a_SN: NDArray[Any], b_RN: NDArray[Any], seed: int) -> tuple[Interval, float, str]:
        """95% interval of the difference of two ways' scores, its two-sided p-value, and the test that gives it."""
        ...

    def beside(self, answers: Sequence[NDArray[Any]]) -> dict[str, Any]:
        """Further figures of a way, by their names in `Way`, from the answers of each seed [N]."""
        ...

    def said(self, row: int, answer: Any) -> str:
        """An answer to a row as text."""
        ...

    def right(self, row: int) -> str:
        """The right answer to a row as text."""
        ...

    def divided(self, answers_KN: NDArray[Any]) -> list[int]:
        """Rows that ways answer differently, the most divided first, then in the order of the data."""
        ...


@dataclass(frozen=True)
class Accuracy:
    """The share of rows answered rightly.

    Attributes:
        right_N: index of the right answer of each row.
        names: the answers that each row may get, N of them: its options, or the labels.
        labels: how many labels there are; 0 for choices, whose classes would be places.
    """

    right_N: NDArray[np.int64]
    names: Sequence[Sequence[str]]
    labels: int

    def rows(self, answers_N: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether each row is answered rightly [N]."""
        right: NDArray[np.bool_] = answers_N == self.right_N
        return right

    def score(self, rows_N: NDArray[Any]) -> float:
        """Accuracy."""
        return float(rows_N.mean())

    def interval(self, rows_SN: NDArray[Any], seed: int) -> Interval:
        """Of the mean accuracy."""
        return accuracy_interval(rows_SN, seed)

    def test(self, a_SN: NDArray[Any], b_RN: NDArray[Any], seed: int) -> tuple[Interval, float, str]:
        """McNemar's exact test where both have one seed, else a paired bootstrap over rows and seeds."""
        interval, p_value = paired_bootstrap(a_SN, b_RN, seed)
        if len(a_SN) == len(b_RN) == 1:
            return interval, paired_test(a_SN[0], b_RN[0]), "McNemar"
        return interval, p_value, SEVERAL_SEEDS

    def beside(self, answers: Sequence[NDArray[Any]]) -> dict[str, Any]:
        """Macro F1, where answers are labels."""
        if not self.labels:
            return {}
        f1s = [macro_f1(self.right_N, given, self.labels) for given in answers]
        return {"macro_f1s": f1s, "macro_f1": float(np.mean(f1s))}

    def said(self, row: int, answer: Any) -> str:
        """The label or option."""
        return self.names[row][int(answer)]

    def right(self, row: int) -> str:
        """The right label or option."""
        return self.said(row, self.right_N[row])

    def divided(self, answers_KN: NDArray[Any]) -> list[int]:
        """By the number of different answers; of equals, those of which no answer prevails."""
        different = np.array([len(np.unique(column)) for column in answers_KN.T])
        prevailing = np.array([np.bincount(column).max() for column in answers_KN.T])
        rows = np.flatnonzero(different > 1).tolist()
        return sorted(rows, key=lambda i: (-different[i], prevailing[i], i))


@dataclass(frozen=True)
class RSquared:
    """The share of the variance of numbers that is explained: 1 is perfect, 0 no better than always giving their mean.

    Attributes:
        right_N: the right numbers. Where they are all the same, R squared is 0 unless all answers are right.
    """

    right_N: NDArray[np.float64]

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
        return r_squared_interval(rows_SN, self.right_N, seed)

    def test(self, a_SN: NDArray[Any], b_RN: NDArray[Any], seed: int) -> tuple[Interval, float, str]:
        """Paired permutation test on squared errors where both have one seed, else a bootstrap over rows and seeds."""
        interval, p_value = Interval(0.0, 0.0), 1.0
        if self.right_N.var():
            interval, p_value = paired_r_squared(a_SN, b_RN, self.right_N, seed)
        if len(a_SN) == len(b_RN) == 1:
            return interval, paired_permutation_test(a_SN[0], b_RN[0]), "permutation"
        return interval, p_value, SEVERAL_SEEDS

    def beside(self, answers: Sequence[NDArray[Any]]) -> dict[str, Any]:
        """Root mean squared error, in the numbers' own unit."""
        rmses = [float(np.sqrt(self.rows(given).mean())) for given in answers]
        return {"rmses": rmses, "rmse": float(np.mean(rmses))}

    def said(self, row: int, answer: Any) -> str:
        """The number, four digits."""
        return plain(float(answer))

    def right(self, row: int) -> str:
        """The right number, four digits."""
        return plain(float(self.right_N[row]))

    def divided(self, answers_KN: NDArray[Any]) -> list[int]:
        """By how far the least and the largest number lie apart."""
        apart_N = np.ptp(answers_KN, axis=0)
        order = np.argsort(-apart_N, kind="stable")
        return [int(i) for i in order if apart_N[i] > 0]


def measure_of(kind: str, examples: Sequence[Example], labels: Sequence[str]) -> Measure:
    """What answers to these rows are scored by.

    Args:
        kind: `label`, `choice` or `number`.
        examples: rows with right answers.
        labels: of labels, all of them.

    Raises:
        TrimtabError: a number is missing.
    """
    if kind == "number":
        return RSquared(numbers_of(examples))
    names = [example.options or tuple(labels) for example in examples]
    right = [own.index(example.answer or "") for own, example in zip(names, examples, strict=True)]
    return Accuracy(np.array(right, dtype=np.int64), names, len(labels) if kind == "label" else 0)
