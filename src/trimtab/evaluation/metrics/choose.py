"""Metrics of texts chosen by name. Knows nothing about intervals or systems.

Which metric is for what: docs/text-metrics.md. N rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.errors import TrimtabError, did_you_mean
from trimtab.evaluation.metrics.bleu import bleu
from trimtab.evaluation.metrics.chrf import chrf
from trimtab.evaluation.metrics.copied import copied
from trimtab.evaluation.metrics.distinct import distinct
from trimtab.evaluation.metrics.empty import empty
from trimtab.evaluation.metrics.entity_f1 import entity_f1
from trimtab.evaluation.metrics.exact_match import exact_match
from trimtab.evaluation.metrics.length_ratio import length_ratio
from trimtab.evaluation.metrics.metric import MetricResult
from trimtab.evaluation.metrics.numeric_match import numeric_match
from trimtab.evaluation.metrics.rouge import rouge_l, rouge_n
from trimtab.evaluation.metrics.token_f1 import token_f1
from trimtab.evaluation.text.words import Language, are_chinese

TEXT_METRICS = (
    "BLEU", "chrF", "chrF++", "ROUGE-1", "ROUGE-2", "ROUGE-L", "EM", "F1", "numeric EM", "entity F1",
    "distinct-1", "distinct-2", "length ratio", "empty", "copied",
)  # fmt: skip


def metric_names(metrics: Sequence[str]) -> list[str]:
    """Return the metrics as `TEXT_METRICS` writes them.

    Raises:
        TrimtabError: a metric that there is not.
    """
    known = {name.casefold(): name for name in TEXT_METRICS}
    for name in metrics:
        if name.casefold() not in known:
            listed = ", ".join(TEXT_METRICS)
            raise TrimtabError(f"Metric '{name}' is not one of {listed}.", did_you_mean(name, TEXT_METRICS))
    return [known[name.casefold()] for name in metrics]


def metric_results(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metrics: Sequence[str],
    language: Language = "auto",
    inputs: Sequence[str] | None = None,
) -> list[MetricResult]:
    """Return what each metric gives for N texts; the arguments and errors are those of `metrics.score.score_texts`."""
    names = metric_names(metrics)
    _check(predictions, references, inputs)
    chinese = are_chinese([text for row in references for text in row], language)
    return [_result(name, predictions, references, inputs, chinese) for name in names]


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


def _result(
    name: str,
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    inputs: Sequence[str] | None,
    chinese: bool,
) -> MetricResult:
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
