"""Scores of answers that stand in a context. Knows nothing about models or files.

English, and all that is not Chinese, follows SQuAD's rules (Rajpurkar et al. 2016, 2018): F1 of words and exact match,
but for case, punctuation and articles. Chinese follows those of CMRC 2018 (Cui et al. 2019), whose F1 is of the longest
common run of characters. Both take the best of several right answers; where nothing is right, no answer scores 1 and
any answer 0.

N rows. An answer is its place in the context, (first character, the one behind the last), or () for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import SpanExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.chance.randomisation import randomisation_tests
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.metrics.exact_match import exact_match
from trimtab.evaluation.metrics.metric import Metric, MetricResult, ratio_of_sums, result_of_sums
from trimtab.evaluation.metrics.normalised import cmrc_normalised, squad_normalised
from trimtab.evaluation.metrics.score import with_intervals
from trimtab.evaluation.metrics.token_f1 import token_f1
from trimtab.evaluation.scores.gold import check_span_answers, groups_among
from trimtab.evaluation.scores.span_mistakes import SpanMistake, span_mistake
from trimtab.evaluation.text.words import Language, are_chinese

Place = Sequence[int]

F1, EXACT, ANSWERED_F1, ANSWERED_EXACT, WITHOUT = "F1", "EM", "HasAns F1", "HasAns EM", "NoAns"


@dataclass(frozen=True)
class SpanScores:
    """How well the answers to N rows fit the right ones; shares in [0, 1].

    Attributes:
        rows, without: how many were scored, and how many of them have no answer.
        language: whose rules were followed.
        f1, exact: mean F1 with the best right answer, and the share that is the same as one.
        answered_f1, answered_exact: the same over rows with an answer (HasAns); None where all rows are alike.
        without_right: share of the rows without an answer that were given none (NoAns); None likewise.
        intervals: 95% intervals over rows (see `interval/shares`), those of a group together, of each of these by name.
        mistakes: the rows with the lowest F1.
    """

    rows: int
    without: int
    language: Literal["en", "zh"]
    f1: float
    exact: float
    answered_f1: float | None
    answered_exact: float | None
    without_right: float | None
    intervals: dict[str, Interval]
    mistakes: list[SpanMistake]


_NAMES = {
    F1: "f1", EXACT: "exact", ANSWERED_F1: "answered_f1", ANSWERED_EXACT: "answered_exact", WITHOUT: "without_right",
}  # fmt: skip


def score_spans(
    examples: Sequence[SpanExample], answers: Sequence[Place], *, language: Language = "auto", worst: int = 20
) -> SpanScores:
    """Score answers against those of N examples.

    Args:
        examples: N examples with answers, or that have none.
        answers: an answer a row.
        language: whose rules to follow; `auto` goes by the characters of the right answers.
        worst: the most mistakes to keep.

    Raises:
        TrimtabError: no examples; one that is not labelled.
    """
    if not examples:
        raise TrimtabError("There are no examples to score.", "Check that the data file has rows.")
    chinese = follows_chinese(examples, language)
    results = span_results(examples, answers, language)
    figures = {_NAMES[figure.name]: figure for figure in with_intervals(results, groups_among(examples))}
    values = {name: figures[name].value if name in figures else None for name in _NAMES.values()}
    per_row = np.array(figures["f1"].per_row)
    first = [int(n) for n in np.argsort(per_row, kind="stable")[:worst] if per_row[n] < 1]
    return SpanScores(
        rows=len(examples),
        without=sum(not example.references for example in examples),
        language="zh" if chinese else "en",
        **values,  # type: ignore[arg-type]
        intervals={name: figure.interval for name, figure in figures.items() if figure.interval},
        mistakes=[span_mistake(examples[n], answers[n], float(per_row[n])) for n in first],
    )


def span_results(
    examples: Sequence[SpanExample], answers: Sequence[Place], language: Language = "auto"
) -> list[MetricResult]:
    """Return F1, the headline, and exact match; where some rows have no answer, also of the two sorts by themselves.

    Raises:
        TrimtabError: an example that is not labelled.
    """
    check_span_answers(examples)
    chinese = follows_chinese(examples, language)
    texts = [text_of(example, answer) for example, answer in zip(examples, answers, strict=True)]
    right = [references_of(example, chinese=chinese) for example in examples]
    f1, exact = token_f1(texts, right, chinese=chinese), exact_match(texts, right, chinese=chinese)
    none_N = np.array([own == [""] for own in right])
    if none_N.all() or not none_N.any():
        return [f1, exact]
    assert f1.per_row is not None
    assert exact.per_row is not None
    return [
        f1,
        exact,
        _of_some(f1, f1.per_row, ~none_N, ANSWERED_F1, "F1 of the rows with an answer"),
        _of_some(exact, exact.per_row, ~none_N, ANSWERED_EXACT, "exact match of the rows with an answer"),
        _of_some(exact, exact.per_row, none_N, WITHOUT, "rows without an answer that are given none"),
    ]


def _of_some(
    result: MetricResult, values_N: NDArray[np.floating], some_N: NDArray[np.bool_], name: str, what: str
) -> MetricResult:
    """The mean over some of the rows."""
    sums_N2 = np.stack([values_N * some_N, some_N], axis=1).astype(np.float64)
    return result_of_sums(Metric(name, what), sums_N2, ratio_of_sums, per_row=None, signature=result.signature)


def spans_p_value(
    examples: Sequence[SpanExample], ours: Sequence[Place], theirs: Sequence[Place], language: Language = "auto"
) -> float:
    """Return the two-sided p-value of the difference in F1 between two ways of answering the same rows.

    By approximate randomisation (Riezler & Maxwell 2005), rows of a group exchanged together.
    """
    (one, *_), (other, *_) = (span_results(examples, answers, language) for answers in (ours, theirs))
    assert one.sums, one.metric
    assert other.sums, other.metric
    [p_value] = randomisation_tests([(one.sums, other.sums)], groups_among(examples))
    return p_value


def text_of(example: SpanExample, answer: Place) -> str:
    """Return an answer as text, "" for none."""
    return example.context[answer[0] : answer[1]] if answer else ""


def references_of(example: SpanExample, *, chinese: bool) -> list[str]:
    """Return the texts that are right, without those of which nothing is left to compare; [""] where none is."""
    same = cmrc_normalised if chinese else squad_normalised
    return [text for text in example.references if same(text)] or [""]


def follows_chinese(examples: Sequence[SpanExample], language: Language) -> bool:
    """Return whether answers are scored by Chinese rules: because `language` says so, or by their characters."""
    return are_chinese([text for example in examples for text in example.references], language)
