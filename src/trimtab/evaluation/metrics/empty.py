"""How many texts are empty. Knows nothing about references."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.evaluation.metrics.metric import Metric, MetricResult, mean_of_rows


def empty(predictions: Sequence[str]) -> MetricResult:
    """Return the share of N texts that hold nothing but spaces."""
    values = [float(not text.strip()) for text in predictions]
    return mean_of_rows(Metric("empty", "answers without any text", higher_is_better=False), values, signature="")
