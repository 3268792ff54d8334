"""Scores of texts beside references, with intervals, and of two systems beside each other. Knows nothing about models.

Which metric is for what: docs/text-metrics.md. N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trimtab.errors import TrimtabError, did_you_mean
from trimtab.evaluation.interval.row_sums import (
    EXCHANGES,
    RESAMPLES,
    Measured,
    TextScore,
    Unit,
    differences,
    exchange_test,
    with_intervals,
)
from trimtab.evaluation.metrics.answer_match import exact_match, numeric_match, token_f1
from trimtab.evaluation.metrics.entity_f1 import entity_f1
from trimtab.evaluation.metrics.rouge import rouge_l, rouge_n
from trimtab.evaluation.metrics.text_facts import copied, distinct, empty, length_ratio
from trimtab.evaluation.metrics.translation import bleu, chrf
from trimtab.evaluation.scores.labels import Interval
from trimtab.evaluation.text.words import Language, are_chinese

TEXT_METRICS = (
    "BLEU", "chrF", "chrF++", "ROUGE-1", "ROUGE-2", "ROUGE-L", "EM", "F1", "numeric EM", "entity F1",
    "distinct-1", "distinct-2", "length ratio", "empty", "copied",
)  # fmt: skip


@dataclass(frozen=True)
class TextScores:
    """Scores of N texts: their number, the language whose rules were followed, and a score a metric, as asked for."""

    rows: int
    language: Literal["en", "zh"]
    scores: list[TextScore]


@dataclass(frozen=True)
class TextDifference:
    """One metric of two systems on the same rows.

    Attributes:
        name, unit, higher_is_better, signature: as in `TextScore`.
        a, b: the values of the two.
        difference: a - b.
        interval: 95% interval of the difference, by the paired bootstrap over rows; None for distinct-n.
        p_value: two-sided, by approximate randomisation; None for distinct-n. Not adjusted for the number of metrics.
    """

    name: str
    unit: Unit
    higher_is_better: bool | None
    signature: str
    a: float
    b: float
    difference: float
    interval: Interval | None
    p_value: float | None


def score_texts(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metrics: Sequence[str],
    language: Language = "auto",
    inputs: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> TextScores:
    """Score N texts against their references.

    Args:
        predictions: N texts, of which some may be empty.
        references: one or more texts a row, not everywhere the same number.
        metrics: names out of `TEXT_METRICS`, in any case.
        language: whose rules to follow; `auto` goes by the characters of the references.
        inputs: what the answers were asked about, for `copied` alone.
        seed: seed of the bootstrap.
        resamples: resamples of the bootstrap.

    Raises:
        TrimtabError: no rows, lists of different lengths, a row without references, an unknown metric, `copied` without
            inputs, a reference without a number for `numeric EM`.
    """
    found = measure_texts(predictions, references, metrics=metrics, language=language, inputs=inputs)
    scores = with_intervals(found, seed=seed, resamples=resamples)
    chinese = are_chinese([text for row in references for text in row], language)
    return TextScores(rows=len(predictions), language="zh" if chinese else "en", scores=scores)


def measure_texts(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metrics: Sequence[str],
    language: Language = "auto",
    inputs: Sequence[str] | None = None,
) -> list[Measured]:
    """Return what each metric measures row by row; the arguments and errors are those of `score_texts`."""
    names = metric_names(metrics)
    _check(predictions, references, inputs)
    chinese = are_chinese([text for row in references for text in row], language)
    return [_measure(name, predictions, references, inputs, chinese) for name in names]


def compare_texts(
    predictions_a: Sequence[str],
    predictions_b: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metrics: Sequence[str],
    language: Language = "auto",
    inputs: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    exchanges: int = EXCHANGES,
) -> list[TextDifference]:
    """Compare the texts of two systems for the same N rows, metric by metric.

    Intervals are those of the paired bootstrap (Koehn 2004), p-values those of approximate randomisation (Riezler &
    Maxwell 2005). Where several metrics are looked at, `holm` adjusts their p-values.

    Args:
        predictions_a, predictions_b: N texts each.
        references, metrics, language, inputs: as for `score_texts`.
        seed: seed of the draws.
        resamples: resamples of the bootstrap.
        exchanges: throws of the test.

    Raises:
        TrimtabError: as `score_texts`.
    """
    found_a, found_b = (
        measure_texts(predictions, references, metrics=metrics, language=language, inputs=inputs)
        for predictions in (predictions_a, predictions_b)
    )
    wide = differences(found_a, found_b, seed=seed, resamples=resamples)
    p_values = exchange_test(found_a, found_b, seed=seed, exchanges=exchanges)
    return [
        TextDifference(
            a.name, a.unit, a.higher_is_better, a.signature, a.value, b.value, a.value - b.value, interval, p_value
        )
        for a, b, interval, p_value in zip(found_a, found_b, wide, p_values, strict=True)
    ]


def metric_names(metrics: Sequence[str]) -> list[str]:
    """Return the metrics as `TEXT_METRICS` writes them.

    Raises:
        TrimtabError: a metric that there is not.
    """
    written = {name.casefold(): name for name in TEXT_METRICS}
    for name in metrics:
        if name.casefold() not in written:
            known = ", ".join(TEXT_METRICS)
            raise TrimtabError(f"Metric '{name}' is not one of {known}.", did_you_mean(name, TEXT_METRICS))
    return [written[name.casefold()] for name in metrics]


def _check(predictions: Sequence[str], references: Sequence[Sequence[str]], inputs: Sequence[str] | None) -> None:
    if not predictions:
        raise TrimtabError("There are no texts to score.", "Check that the data file has rows.")
    for what, rows in (("references", references), ("inputs", predictions if inputs is None else inputs)):
        if len(rows) != len(predictions):
            raise TrimtabError(
                f"There are {len(predictions)} answers, but {what} for {len(rows)} rows.",
                "Every answer needs its own.",
            )
    for row, texts in enumerate(references, start=1):
        assert not isinstance(texts, str), "references are lists of texts"
        if not texts:
            raise TrimtabError(f"Row {row}: this row has no reference.", "Scoring needs a text or more that are right.")


def _measure(
    name: str,
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    inputs: Sequence[str] | None,
    chinese: bool,
) -> Measured:
    match name:
        case "BLEU":
            return bleu(predictions, references, chinese=chinese)
        case "chrF":
            return chrf(predictions, references)
        case "chrF++":
            return chrf(predictions, references, word_order=2)
        case "ROUGE-1" | "ROUGE-2":
            return rouge_n(predictions, references, order=int(name[-1]))
        case "ROUGE-L":
            return rouge_l(predictions, references)
        case "EM":
            return exact_match(predictions, references, chinese=chinese)
        case "F1":
            return token_f1(predictions, references, chinese=chinese)
        case "numeric EM":
            return numeric_match(predictions, references)
        case "entity F1":
            return entity_f1(predictions, references)
        case "distinct-1" | "distinct-2":
            return distinct(predictions, order=int(name[-1]))
        case "length ratio":
            return length_ratio(predictions, references)
        case "empty":
            return empty(predictions)
        case "copied":
            if inputs is None:
                raise TrimtabError("Metric 'copied' needs the inputs.", "Give the texts that the answers are about.")
            return copied(predictions, inputs)
    raise AssertionError(name)
