"""Answers scored by metrics over all rows, a corpus: what tags and free text share. Knows nothing about any one metric.

F1 of entities, BLEU or chrF are no means over rows but functions of a few sums, so that resamples of the rows and
exchanges of answers are matrix products over what each row adds to them (see `interval/row_sums`).

N rows, S seeds of a way, W ways, K sums of a metric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.evaluation.interval.bootstrap import Floats, Ints
from trimtab.evaluation.interval.groups import Groups
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.interval.row_sums import RowSums
from trimtab.evaluation.interval.rows_and_seeds import sums_interval
from trimtab.evaluation.interval.shares import share_interval_of_seeds
from trimtab.evaluation.metrics.metric import Metric, MetricResult
from trimtab.evaluation.scores.gold import groups_among
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

    test = "randomisation"

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
        if self.metric.unit == "share":
            moves_SN = np.stack([self.moves(rows_NK) for rows_NK in rows_SNK])
            return share_interval_of_seeds([self.score(rows_NK) for rows_NK in rows_SNK], moves_SN, self.groups)
        found = sums_interval(rows_SNK, self._of_sums, self.groups, seed)
        return Interval(max(found.low, 0.0), min(found.high, 1.0))

    @property
    def whole_row(self) -> float:
        """1 where rows have a score each, else not known."""
        return 1.0 if self.metric.unit == "share" else 0.0

    @property
    def groups(self) -> Groups:
        """Which rows belong together."""
        return groups_among(self.examples)

    def moves(self, rows_NK: NDArray[Any]) -> Floats:
        """What leaving each row out takes away."""
        return RowSums(rows_NK, self._of_sums).moves_N

    def part(self, at: Ints) -> CorpusScorer:
        """The same of some of the rows."""
        places = at.tolist()
        return replace(
            self, examples=[self.examples[i] for i in places], right_answers=[self.right_answers[i] for i in places],
            _known={},
        )  # fmt: skip

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
