"""Exact match of short answers. Knows nothing about resampling."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.evaluation.metrics.metric import Metric, MetricResult, mean_of_rows
from trimtab.evaluation.metrics.normalised import CMRC, SQUAD, cmrc_normalised, squad_normalised


def exact_match(predictions: Sequence[str], references: Sequence[Sequence[str]], *, chinese: bool) -> MetricResult:
    """Return the share of N answers that are a reference, but for case, punctuation and, in English, articles."""
    same = cmrc_normalised if chinese else squad_normalised
    values = [
        float(same(text) in {same(reference) for reference in row})
        for text, row in zip(predictions, references, strict=True)
    ]
    what = "answers that are the same as a reference, but for case and punctuation" + (
        "" if chinese else " and articles"
    )
    return mean_of_rows(Metric("EM", what), values, signature=CMRC if chinese else SQUAD)
