"""chrF and chrF++: n-grams of characters shared with references, as sacrebleu counts them. Knows no resampling.

Counts come from sacrebleu, which is imported when chrF is asked for; scores of sums are computed here, many at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.metrics.metric import Metric, MetricResult, result_of_sums
from trimtab.evaluation.metrics.sacrebleu_counts import sacrebleu_counts

BETA_SQUARED = 4.0


def chrf(predictions: Sequence[str], references: Sequence[Sequence[str]], *, word_order: int = 0) -> MetricResult:
    """Return corpus chrF2 (Popović 2015) of N texts, or chrF++ (Popović 2017) where `word_order` is 2.

    Returns:
        sums: n-grams of the text, of the reference that fits best, and of both, by order.
    """
    from sacrebleu.metrics.chrf import CHRF

    counter = CHRF(word_order=word_order)
    sums_NS = sacrebleu_counts(counter, predictions, references)
    what = "characters in runs of up to six" + (" and words in runs of up to two" if word_order else "")
    return result_of_sums(
        Metric("chrF++" if word_order else "chrF", f"{what} that stand in the reference, F2", "points"),
        sums_NS,
        chrf_of_sums,
        per_row=chrf_of_sums(sums_NS),
        signature=str(counter.get_signature()),
    )


def chrf_of_sums(sums: Floats) -> Floats:
    """Return chrF, 0 to 100, of sums of shape (..., 3 orders), from the mean precision and recall of orders reached."""
    text, reference, both = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    reached = (text > 0) & (reference > 0)
    orders = np.maximum(reached.sum(axis=-1), 1)
    precision = np.where(reached, both / np.maximum(text, 1), 0.0).sum(axis=-1) / orders
    recall = np.where(reached, both / np.maximum(reference, 1), 0.0).sum(axis=-1) / orders
    weighted = BETA_SQUARED * precision + recall
    score: Floats = 100 * (1 + BETA_SQUARED) * precision * recall / np.where(weighted > 0, weighted, 1)
    return score
