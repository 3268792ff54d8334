"""How many texts are their input again. Knows nothing about references."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.evaluation.metrics.metric import Metric, MetricResult, mean_of_rows


def copied(predictions: Sequence[str], inputs: Sequence[str]) -> MetricResult:
    """Return the share of N texts that are their input again, but for case and spaces; empty ones are no copies."""
    values = [
        float(bool(text.strip()) and _normalised(text) == _normalised(given))
        for text, given in zip(predictions, inputs, strict=True)
    ]
    metric = Metric("copied", "answers that are the input again", higher_is_better=None)
    return mean_of_rows(metric, values, signature="")


def _normalised(text: str) -> str:
    return " ".join(text.split()).casefold()
