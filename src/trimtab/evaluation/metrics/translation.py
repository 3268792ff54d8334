"""BLEU and chrF: n-grams shared with references, as sacrebleu counts them. Knows nothing about resampling.

Counts come from sacrebleu, which is imported when one is asked for; scores of sums are computed here, many at a time.

N rows, S sums of a metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from trimtab.evaluation.interval.row_sums import Floats, Measured

ORDERS = 4
BETA_SQUARED = 4.0


def bleu(predictions: Sequence[str], references: Sequence[Sequence[str]], *, chinese: bool) -> Measured:
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

    metric = BLEU(tokenize="zh" if chinese else "13a", force=True)
    sums_NS = _counts(metric, predictions, references)
    return Measured(
        "BLEU",
        "n-grams of up to four words that stand in a reference, precision, with a penalty for short texts",
        "points",
        True,
        str(metric.get_signature()),
        bleu_of_sums(sums_NS, effective_order=True),
        sums_NS,
        bleu_of_sums,
    )


def chrf(predictions: Sequence[str], references: Sequence[Sequence[str]], *, word_order: int = 0) -> Measured:
    """Return corpus chrF2 (Popović 2015) of N texts, or chrF++ (Popović 2017) where `word_order` is 2.

    Returns:
        sums: n-grams of the text, of the reference that fits best, and of both, by order.
    """
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF(word_order=word_order)
    sums_NS = _counts(metric, predictions, references)
    what = "characters in runs of up to six" + (" and words in runs of up to two" if word_order else "")
    return Measured(
        "chrF++" if word_order else "chrF",
        f"{what} that stand in the reference, F2",
        "points",
        True,
        str(metric.get_signature()),
        chrf_of_sums(sums_NS),
        sums_NS,
        chrf_of_sums,
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


def _counts(metric: Any, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Floats:
    """Return the counts of each row (N, S). sacrebleu wants references in streams, None where a row has fewer."""
    counts = metric._extract_corpus_statistics(predictions, list(zip_longest(*references)))
    return np.asarray(counts, dtype=np.float64)
