"""How long texts are beside their references. Knows nothing about what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.evaluation.metrics.metric import Metric, MetricResult, ratio_of_sums, result_of_sums
from trimtab.evaluation.text.tokens import TOKENS, tokens


def length_ratio(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> MetricResult:
    """Return the tokens of N texts by those of their references, of several the nearest in length (as in BLEU)."""
    sums = []
    for text, row in zip(predictions, references, strict=True):
        length = len(tokens(text))
        sums.append((length, min((len(tokens(r)) for r in row), key=lambda other: (abs(other - length), other))))
    sums_N2 = np.array(sums, dtype=np.float64)
    per_row_N = sums_N2[:, 0] / np.maximum(sums_N2[:, 1], 1)
    what = "length of the answers by length of the references, in words or Chinese characters"
    metric = Metric("length ratio", what, "ratio", higher_is_better=None)
    return result_of_sums(metric, sums_N2, ratio_of_sums, per_row=per_row_N, signature=TOKENS)
