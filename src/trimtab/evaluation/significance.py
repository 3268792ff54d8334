"""Whether two methods differ by more than chance. Knows nothing about what the methods are."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def paired_test(correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_]) -> float:
    """Return the two-sided p-value of McNemar's exact test (McNemar 1947; binomial form).

    Only rows on which just one of the two is right count. If the methods were equally good, each of these
    would fall to either side like a fair coin.

    Args:
        correct_a: shape (N,), whether method a is right on each row.
        correct_b: shape (N,), the same rows for method b.
    """
    assert correct_a.shape == correct_b.shape, (correct_a.shape, correct_b.shape)
    only_a = int(np.sum(correct_a & ~correct_b))
    only_b = int(np.sum(correct_b & ~correct_a))
    flips, fewer = only_a + only_b, min(only_a, only_b)
    tail = math.fsum(
        math.exp(math.lgamma(flips + 1) - math.lgamma(k + 1) - math.lgamma(flips - k + 1) - flips * math.log(2))
        for k in range(fewer + 1)
    )
    return min(1.0, 2 * tail)
