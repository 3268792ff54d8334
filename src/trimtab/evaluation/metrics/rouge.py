"""ROUGE: tokens shared with references. Knows nothing about resampling.

English figures are tested against the `rouge-score` package. It is not used here: its tokenizer drops Chinese, and its
ROUGE-L needs time and memory that grow with the product of the lengths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from trimtab.evaluation.metrics.metric import Metric, MetricResult, mean_of_rows
from trimtab.evaluation.text.tokens import TOKENS, tokens

SIGNATURE = f"{TOKENS}|case:lower|stem:no|refs:best-f"


def rouge_n(predictions: Sequence[str], references: Sequence[Sequence[str]], *, order: int) -> MetricResult:
    """Return ROUGE-N (Lin 2004, section 2) of N texts: F1 of n-grams of tokens, of the reference that gives most."""
    values = [
        max(_ngram_f1(counted, _ngrams(reference, order)) for reference in row)
        for counted, row in zip((_ngrams(text, order) for text in predictions), references, strict=True)
    ]
    what = "words" if order == 1 else "pairs of words"
    metric = Metric(f"ROUGE-{order}", f"{what} shared with the best reference, F1")
    return mean_of_rows(metric, values, signature=SIGNATURE)


def rouge_l(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> MetricResult:
    """Return ROUGE-L (Lin 2004, section 3.1) of N texts: F1 of the longest common subsequence, of the best reference.

    The subsequence is that of the whole texts, lines not told apart (`rougeL`, not `rougeLsum`).
    """
    values = [
        max(_subsequence_f1(found, tokens(reference)) for reference in row)
        for found, row in zip((tokens(text) for text in predictions), references, strict=True)
    ]
    what = "longest sequence of words, gaps allowed, shared with the best reference, F1"
    return mean_of_rows(Metric("ROUGE-L", what), values, signature=SIGNATURE)


def _ngrams(text: str, order: int) -> Counter[tuple[str, ...]]:
    found = tokens(text)
    return Counter(zip(*(found[i:] for i in range(order)), strict=False))


def _ngram_f1(one: Counter[tuple[str, ...]], other: Counter[tuple[str, ...]]) -> float:
    return _f1((one & other).total(), one.total(), other.total())


def _subsequence_f1(one: list[str], other: list[str]) -> float:
    from rapidfuzz.distance import LCSseq  # bit-parallel: 100,000 tokens beside 100,000 take well under a second

    return _f1(LCSseq.similarity(one, other), len(one), len(other))


def _f1(both: int, one: int, other: int) -> float:
    return 2 * both / (one + other) if both else 0.0
