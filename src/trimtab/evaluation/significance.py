"""Whether two methods differ by more than chance. Knows nothing about what the methods are."""

from __future__ import annotations

import math
from typing import Any

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


FLIPS = 9999
# Coins thrown at once.
MOST_DRAWN = 1_000_000


def paired_permutation_test(errors_a: NDArray[np.floating[Any]], errors_b: NDArray[np.floating[Any]]) -> float:
    """Return the two-sided p-value of Fisher's paired permutation test (Fisher 1935, section 21), by seeded draws.

    If the methods were equally good, which of the two made which error would be a coin's throw on each row; the p-value
    is the share of throws whose mean difference is at least that found.

    Args:
        errors_a: shape (N,), what method a's answer costs on each row, such as its squared error.
        errors_b: shape (N,), the same rows for method b.
    """
    assert errors_a.shape == errors_b.shape, (errors_a.shape, errors_b.shape)
    difference_N = errors_a - errors_b
    found = abs(float(difference_N.sum()))
    random = np.random.default_rng(0)
    extreme, rows = 0, len(difference_N)
    at_once = max(1, MOST_DRAWN // rows)
    for done in range(0, FLIPS, at_once):
        signs_MN = random.integers(0, 2, size=(min(at_once, FLIPS - done), rows), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs_MN @ difference_N) >= found * (1 - 1e-9)).sum())
    return (extreme + 1) / (FLIPS + 1)
