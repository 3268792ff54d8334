"""The counts that sacrebleu makes of texts. Knows nothing about what scores are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from trimtab.evaluation.interval.bootstrap import Floats


def sacrebleu_counts(metric: Any, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Floats:
    """Return the counts of each row (N, S). sacrebleu wants references in streams, None where a row has fewer."""
    counts = metric._extract_corpus_statistics(predictions, list(zip_longest(*references)))
    return np.asarray(counts, dtype=np.float64)
