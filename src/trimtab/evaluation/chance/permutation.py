"""Fisher's paired permutation test. Knows nothing about what the methods are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.chance.coins import THROWS, coins, p_value_of
from trimtab.evaluation.interval.groups import Groups, each_alone


def paired_permutation_test(
    errors_a: NDArray[np.floating[Any]], errors_b: NDArray[np.floating[Any]], groups: Groups | None = None
) -> float:
    """Return the two-sided p-value of Fisher's paired permutation test (Fisher 1935, section 21), by seeded draws.

    If the methods were equally good, which of the two made which error would be a coin's throw on each row; the p-value
    is the share of throws whose mean difference is at least that found.

    Args:
        errors_a: shape (N,), what method a's answer costs on each row, such as its squared error.
        errors_b: shape (N,), the same rows for method b.
        groups: which rows are exchanged together, by one throw (cluster permutation); each alone by default.
    """
    assert errors_a.shape == errors_b.shape, (errors_a.shape, errors_b.shape)
    groups = groups or each_alone(len(errors_a))
    difference_G = groups.sums(errors_a - errors_b)
    found = abs(float(difference_G.sum()))
    # A throw is a row of signs in a matrix product; scipy.stats.permutation_test takes many times as long.
    extreme = 0
    for coins_BG in coins(len(difference_G), THROWS, 0):
        extreme += int((np.abs((2 * coins_BG - 1) @ difference_G) >= found * (1 - 1e-9)).sum())
    return p_value_of(extreme, THROWS)
