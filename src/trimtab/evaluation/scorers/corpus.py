"""Answers scored by metrics over all rows, a corpus: what tags and free text share. Knows nothing about any one metric.

F1 of entities, BLEU or chrF are no means over rows but functions of a few sums, so that resamples of the rows and
exchanges of answers are matrix products over what each row adds to them (see `interval/row_sums`).

N rows, S seeds of a way, R seeds of another, W ways, K sums of a metric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.evaluation.chance.paired_bootstrap import paired_sums
from trimtab.evaluation.chance.randomisation import randomisation_tests
from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.interval.row_sums import RowSums
from trimtab.evaluation.interval.rows_and_seeds import sums_interval
from trimtab.evaluation.metrics.metric import Metric, MetricResult
from trimtab.evaluation.scorers.scorer import SEVERAL_SEEDS
from trimtab.evaluation.text.shortening import shortened


@dataclass(frozen=True)
class CorpusScorer:
    """A scorer whose score is a function of sums over rows.

    Attributes:
        examples: the rows.
        metric: what ways are ranked by.
        others: what stands beside it.
        of_sums: sums of shape (..., K) -> the metric, in its own unit.
        results: answers [N] -> what every metric gives for them, `metric` first.
        say: a row and an answer to it -> the answer as text.
        right_answers: the right answer of each row as text.
    """

    examples: Sequence[Example]
    metric: Metric
    others: Sequence[Metric]
    of_sums: Callable[[Floats], Floats]
    results: Callable[[Sequence[Any]], list[MetricResult]]
    say: Callable[[Any, Any], str]
    right_answers: Sequence[str]
    _known: dict[tuple[Any, ...], list[MetricResult]] = field(default_factory=dict, repr=False, compare=False)

    def rows(self, answers_N: NDArray[Any]) -> Floats:
        """What each row adds to the sums, [N, K]."""
        sums = self._all(answers_N)[0].sums
        assert sums, self.metric
        return sums.rows_NS

    def score(self, rows_NK: NDArray[Any]) -> float:
        """The metric over all rows, as a share."""
        return float(self._of_sums(rows_NK.sum(axis=0)))

    def interval(self, rows_SNK: NDArray[Any], seed: int) -> Interval:
        """Of the mean over seeds."""
        found = sums_interval(rows_SNK, self._of_sums, seed)
        return Interval(max(found.low, 0.0), min(found.high, 1.0))

    def test(self, a_SNK: NDArray[Any], b_RNK: NDArray[Any], seed: int) -> tuple[Interval, float, str]:
        """Approximate randomisation where both have one seed, else a paired bootstrap over rows and seeds."""
        interval, p_value = paired_sums(a_SNK, b_RNK, self._of_sums, seed)
        if len(a_SNK) == len(b_RNK) == 1:
            [p_value] = randomisation_tests([(RowSums(a_SNK[0], self._of_sums), RowSums(b_RNK[0], self._of_sums))])
            return interval, p_value, "randomisation"
        return interval, p_value, SEVERAL_SEEDS

    def beside(self, answers_N: NDArray[Any]) -> dict[str, float]:
        """The other metrics."""
        return {other.metric.name: other.value / other.metric.scale for other in self._all(answers_N)[1:]}

    def each(self, answers_N: NDArray[Any]) -> Floats:
        """The score of each row alone [N]."""
        per_row_N = self._all(answers_N)[0].per_row
        assert per_row_N is not None, self.metric
        return per_row_N / self.metric.scale

    def said(self, row: int, answer: Any) -> str:
        """The answer as text, long ones shortened."""
        return shortened(self.say(self.examples[row], answer))

    def right(self, row: int) -> str:
        """The right answer as text, or the first of them."""
        return shortened(self.right_answers[row])

    def divided(self, answers_WN: NDArray[Any]) -> list[int]:
        """By how far the lowest and the highest score of the row alone lie apart."""
        apart_N = np.ptp([self.each(answers_N) for answers_N in answers_WN], axis=0)
        order = np.argsort(-apart_N, kind="stable")
        return [int(i) for i in order if len(set(answers_WN[:, i])) > 1]

    def _of_sums(self, sums: Floats) -> Floats:
        return self.of_sums(sums) / self.metric.scale

    def _all(self, answers_N: NDArray[Any]) -> list[MetricResult]:
        """What every metric gives for these answers; found once, as counting n-grams takes seconds."""
        key = tuple(answers_N)
        if key not in self._known:
            self._known[key] = self.results(list(key))
        return self._known[key]


def corpus_scorer(
    examples: Sequence[Example],
    results: Callable[[Sequence[Any]], list[MetricResult]],
    found: Sequence[MetricResult],
    say: Callable[[Any, Any], str],
    right_answers: Sequence[str],
) -> CorpusScorer:
    """Return the scorer by the first of several metrics.

    Args:
        examples, results, say, right_answers: as in `CorpusScorer`.
        found: what the metrics give for any answers, which says what they are.
    """
    metric, *others = (result.metric for result in found)
    sums = found[0].sums
    assert sums, metric
    return CorpusScorer(examples, metric, others, sums.of_sums, results, say, right_answers)
