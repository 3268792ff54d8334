"""What answers are scored by, and what of a difference is chance. Knows nothing about ways or how they answer.

Measures with the same few functions: accuracy of labels and choices, R squared, the share of the variance of numbers
that is explained, and for tags and texts metrics over all rows (`sums`).

N rows, S seeds of a way, R seeds of another, K ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.evaluation.chance.tests import (
    SEVERAL_SEEDS,
    accuracy_interval,
    paired_bootstrap,
    paired_permutation_test,
    paired_r_squared,
    paired_test,
    r_squared_interval,
)
from trimtab.evaluation.scorers.sums import Passes, measure_of_tags, measure_of_texts
from trimtab.evaluation.scores.labels import Interval, macro_f1
from trimtab.evaluation.scores.numbers import numbers_of
from trimtab.evaluation.text.words import Language
from trimtab.reports.comparison import Metric
from trimtab.reports.findings.numbers import plain
from trimtab.settings.answers import AnswerSettings, NumberAnswer, TagsAnswer, TextAnswer

# The test of two ways of one seed each, by the kind of answer.
ONE_SEED = {
    "label": "McNemar", "choice": "McNemar", "number": "permutation", "tags": "randomisation", "text": "randomisation",
}  # fmt: skip
MACRO_F1 = Metric(name="macro F1", what="mean F1 of the labels")
RMSE = Metric(name="RMSE", what="root mean squared error, in the numbers’ own unit", unit="own", higher_is_better=False)


class Measure(Protocol):
    """Scores answers of one kind against the right ones."""

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
        return accuracy_interval(rows_SN, seed)

    def test(self, a_SN: NDArray[Any], b_RN: NDArray[Any], seed: int) -> tuple[Interval, float, str]:
        """McNemar's exact test where both have one seed, else a paired bootstrap over rows and seeds."""
        interval, p_value = paired_bootstrap(a_SN, b_RN, seed)
        if len(a_SN) == len(b_RN) == 1:
            return interval, paired_test(a_SN[0], b_RN[0]), "McNemar"
        return interval, p_value, SEVERAL_SEEDS

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
        return r_squared_interval(rows_SN, self.right_N, seed)

    def test(self, a_SN: NDArray[Any], b_RN: NDArray[Any], seed: int) -> tuple[Interval, float, str]:
        """Paired permutation test on squared errors where both have one seed, else a bootstrap over rows and seeds."""
        interval, p_value = Interval(0.0, 0.0), 1.0
        if self.right_N.var():
            interval, p_value = paired_r_squared(a_SN, b_RN, self.right_N, seed)
        if len(a_SN) == len(b_RN) == 1:
            return interval, paired_permutation_test(a_SN[0], b_RN[0]), "permutation"
        return interval, p_value, SEVERAL_SEEDS

    def beside(self, answers_N: NDArray[Any]) -> dict[str, float]:
        """Root mean squared error, in the numbers' own unit."""
        return {RMSE.name: float(np.sqrt(self.rows(answers_N).mean()))}

    def each(self, answers_N: NDArray[Any]) -> None:
        """None: how far off a number is can be seen."""

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


def measure_of(
    answer: AnswerSettings,
    examples: Sequence[Example],
    labels: Sequence[str],
    language: Language = "auto",
    passes: Passes | None = None,
) -> Measure:
    """What answers to these rows are scored by.

    Args:
        answer: the kind of answer, and its settings.
        examples: rows with right answers.
        labels: of labels, all of them.
        language: language of texts.
        passes: of texts that are programs to be run, what runs them.

    Raises:
        TrimtabError: a right answer is missing; metrics of texts that do not serve (see `measure_of_texts`).
    """
    match answer:
        case NumberAnswer():
            return RSquared(numbers_of(examples))
        case TagsAnswer():
            return measure_of_tags(examples, answer)
        case TextAnswer():
            return measure_of_texts(examples, answer, language, passes)
    names = [example.options or tuple(labels) for example in examples]
    right = [own.index(example.answer or "") for own, example in zip(names, examples, strict=True)]
    return Accuracy(np.array(right, dtype=np.int64), names, len(labels))
