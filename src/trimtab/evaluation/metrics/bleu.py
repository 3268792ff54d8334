"""BLEU: n-grams of words shared with references, as sacrebleu counts them. Knows nothing about resampling.

Counts come from sacrebleu, which is imported when BLEU is asked for; scores of sums are computed here, many at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.metrics.metric import Metric, MetricResult, result_of_sums
from trimtab.evaluation.metrics.sacrebleu_counts import sacrebleu_counts

ORDERS = 4


def bleu(predictions: Sequence[str], references: Sequence[Sequence[str]], *, chinese: bool) -> MetricResult:
    """Return corpus BLEU (Papineni et al. 2002) of N texts, each beside one or more references.

    Args:
        predictions: N texts.
        references: one or more a row.
        chinese: whether Chinese characters are tokens each (sacrebleu's `zh`) instead of words (`13a`).

    Returns:
        sums: length, length of the nearest reference, right n-grams of order 1 to 4, n-grams of order 1 to 4. `per_row`
        is sentence BLEU with effective order, as sacrebleu's `sentence_bleu` gives it.
    """
    from sacrebleu.metrics.bleu import BLEU

    counter = BLEU(tokenize="zh" if chinese else "13a", force=True)
    sums_NS = sacrebleu_counts(counter, predictions, references)
    what = "n-grams of up to four words that stand in a reference, precision, with a penalty for short texts"
    return result_of_sums(
        Metric("BLEU", what, "points"),
        sums_NS,
        bleu_of_sums,
        per_row=bleu_of_sums(sums_NS, effective_order=True),
        signature=str(counter.get_signature()),
    )


def bleu_of_sums(sums: Floats, *, effective_order: bool = False) -> Floats:
    """Return BLEU, 0 to 100, of sums of shape (..., 10), smoothed as by mteval-v13a (Chen & Cherry 2014, method 3)."""
    length, reference = sums[..., 0], sums[..., 1]
    right, total = sums[..., 2 : 2 + ORDERS], sums[..., 2 + ORDERS :]
    missed = np.cumsum((right == 0) & (total > 0), axis=-1)
    precision = np.where(right > 0, right, 0.5**missed) / np.maximum(total, 1)
    reached = (total > 0).sum(axis=-1)
    logs = np.where(total > 0, np.log(precision), 0.0).sum(axis=-1)
    orders = np.maximum(reached, 1) if effective_order else ORDERS
    penalty = np.where(length < reference, np.exp(1 - reference / np.maximum(length, 1)), 1.0)
    scored = (right.sum(axis=-1) > 0) & (effective_order | (reached == ORDERS))
    return np.where(scored, 100 * penalty * np.exp(logs / orders), 0.0)
