"""distinct-n: how varied texts are. Knows nothing about references."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.evaluation.metrics.metric import Metric, MetricResult
from trimtab.evaluation.text.tokens import TOKENS, tokens


def distinct(predictions: Sequence[str], *, order: int) -> MetricResult:
    """Return distinct-n (Li et al. 2016, section 5.3): different n-grams in all N texts, by the number of their tokens.

    It is no sum over rows and falls as rows grow in number: compare it between systems on the same rows alone.
    """
    found: set[tuple[str, ...]] = set()
    count = 0
    for text in predictions:
        words = tokens(text)
        count += len(words)
        found.update(zip(*(words[i:] for i in range(order)), strict=False))
    what = "different words by words in all" if order == 1 else "different pairs of words by words in all"
    value = len(found) / count if count else 0.0
    return MetricResult(Metric(f"distinct-{order}", what), TOKENS, value, per_row=None, sums=None)
