"""What tags and free text are scored by in a comparison: metrics over all rows. Knows nothing about ways.

F1 of entities, BLEU or chrF are no means over rows but functions of a few sums, so that resamples of the rows and
exchanges of answers are matrix products over what each row adds to them (see `measured`).

N rows, S seeds of a way, R seeds of another, W ways, K sums of a metric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.data.tags import spans
from trimtab.data.tokens import joined
from trimtab.errors import TrimtabError
from trimtab.evaluation.chance.tests import SEVERAL_SEEDS, paired_sums, paired_sums_test, sums_interval
from trimtab.evaluation.interval.row_sums import Floats, Measured
from trimtab.evaluation.metrics.choose import measure_texts, metric_names
from trimtab.evaluation.metrics.pass_at_k import pass_at_1
from trimtab.evaluation.scores.labels import Interval, shortened
from trimtab.evaluation.scores.tags import measure_tags
from trimtab.evaluation.scores.texts import DEFAULT_METRICS
from trimtab.evaluation.text.words import Language
from trimtab.reports.comparison import Metric
from trimtab.settings.answers import TagsAnswer, TextAnswer

# Answers in the order of their rows -> whether the program in each passes the row's tests.
Passes = Callable[[Sequence[str]], Sequence[bool]]


@dataclass(frozen=True)
class OfSums:
    """A measure (see `measures.Measure`) whose score is a function of sums over rows.

    Attributes:
        examples: the rows.
        metric: what ways are ranked by.
        others: what stands beside it.
        of_sums: sums of shape (..., K) -> the metric, as it measures it.
        measured: answers [N] -> what every metric measures of them, `metric` first.
        say: a row and an answer to it -> the answer as text.
        right_answers: the right answer of each row as text.
    """

    examples: Sequence[Example]
    metric: Metric
    others: Sequence[Metric]
    of_sums: Callable[[Floats], Floats]
    measured: Callable[[Sequence[Any]], list[Measured]]
    say: Callable[[Example, Any], str]
    right_answers: Sequence[str]
    _known: dict[tuple[Any, ...], list[Measured]] = field(default_factory=dict, repr=False, compare=False)

    def rows(self, answers_N: NDArray[Any]) -> Floats:
        """What each row adds to the sums, [N, K]."""
        sums_NK = self._all(answers_N)[0].sums_NS
        assert sums_NK is not None
        return sums_NK

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
            return interval, paired_sums_test(a_SNK[0], b_RNK[0], self._of_sums), "randomisation"
        return interval, p_value, SEVERAL_SEEDS

    def beside(self, answers_N: NDArray[Any]) -> dict[str, float]:
        """The other metrics."""
        return {other.name: other.value / _scale(other) for other in self._all(answers_N)[1:]}

    def each(self, answers_N: NDArray[Any]) -> Floats:
        """The score of each row alone [N]."""
        per_row_N = self._all(answers_N)[0].per_row
        assert per_row_N is not None
        return per_row_N / _scale(self.metric)

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
        return self.of_sums(sums) / _scale(self.metric)

    def _all(self, answers_N: NDArray[Any]) -> list[Measured]:
        """Every metric of these answers; measured once, as counting n-grams takes seconds."""
        key = tuple(answers_N)
        if key not in self._known:
            self._known[key] = self.measured(list(key))
        return self._known[key]


def measure_of_tags(examples: Sequence[Example], kind: TagsAnswer) -> OfSums:
    """F1 of entities, of plain tags the accuracy of tokens; answers are tuples of tags.

    Raises:
        TrimtabError: a row without tags.
    """
    plain = kind.scheme == "plain"

    def say(example: Example, tags: Sequence[str]) -> str:
        if plain:
            return " ".join(f"{token}/{tag}" for token, tag in zip(example.tokens, tags, strict=True))
        found = [f"{s.type}: {joined(example.tokens[s.start : s.end], kind.join)}" for s in spans(tags)]
        return "; ".join(found) or "no entity"

    def measured(answers: Sequence[Any]) -> list[Measured]:
        return measure_tags(examples, answers, plain)

    found = measured([example.tags or () for example in examples])
    right = [say(example, example.tags or ()) for example in examples]
    return _of_sums(examples, measured, found, say, right)


def measure_of_texts(
    examples: Sequence[Example], kind: TextAnswer, language: Language = "auto", passes: Passes | None = None
) -> OfSums:
    """The first of the task's metrics, the others beside it; answers are texts.

    Args:
        examples, kind, language: see `measures.measure_of`.
        passes: where answers are programs to be run, what runs them; pass@1 then comes first.

    Raises:
        TrimtabError: an unknown metric, a first one that ways cannot be ranked or tested by, a row without a reference.
    """
    names = list(dict.fromkeys(metric_names(kind.metrics or DEFAULT_METRICS)))
    references = [list(example.references) for example in examples]
    inputs = ["\n".join(example.fields.values()) for example in examples]

    def measured(answers: Sequence[Any]) -> list[Measured]:
        own = [pass_at_1(passes(answers))] if passes else []
        return [*own, *measure_texts(answers, references, metrics=names, language=language, inputs=inputs)]

    nothing = [""] * len(examples)  # what the metrics are, without running anything
    found = measure_texts(nothing, references, metrics=names, language=language, inputs=inputs)
    if passes:
        found = [pass_at_1([False] * len(examples)), *found]
    headline = found[0]
    why = "is no sum over rows, so that nothing says what of a difference is chance" if headline.sums_NS is None else ""
    if headline.higher_is_better is None:
        why = "is better neither when higher nor when lower"
    if why:
        raise TrimtabError(
            f"answer.metrics: ways are compared by the first metric, and {headline.name} {why}.",
            "Put another one first, chrF say.",
        )
    right = [texts[0] for texts in references]
    return _of_sums(examples, measured, found, lambda _, answer: str(answer) or "(nothing)", right)


def _of_sums(
    examples: Sequence[Example], measured: Callable[[Sequence[Any]], list[Measured]], found: Sequence[Measured],
    say: Callable[[Example, Any], str], right: Sequence[str],
) -> OfSums:  # fmt: skip
    """The measure; what its metrics are is taken from what they measure of any answers."""
    metric, *others = map(_metric, found)
    return OfSums(examples, metric, others, found[0].of_sums, measured, say, right)


def _metric(measured: Measured) -> Metric:
    fields = ("name", "what", "unit", "higher_is_better")
    return Metric(**{name: getattr(measured, name) for name in fields})


def _scale(measured: Measured | Metric) -> float:
    return 100.0 if measured.unit == "points" else 1.0
