"""McNemar's exact test. Knows nothing about what the methods are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.chance.permutation import paired_permutation_test
from trimtab.evaluation.interval.groups import Groups


def mcnemar_test(correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_], groups: Groups | None = None) -> float:
    """Return the two-sided p-value of McNemar's exact test (McNemar 1947; binomial form).

    Only rows on which just one of the two is right count. If the methods were equally good, each of these
    would fall to either side like a fair coin. Where rows belong together, the rows of a group fall together: the test
    is then the permutation test of whole groups, of which McNemar's is the case of rows that stand alone.

    Args:
        correct_a: shape (N,), whether method a is right on each row.
        correct_b: shape (N,), the same rows for method b.
        groups: which rows belong together; each stands alone by default.
    """
    from scipy.stats import binomtest  # takes a second to import

    assert correct_a.shape == correct_b.shape, (correct_a.shape, correct_b.shape)
    if groups and not groups.alone:
        return paired_permutation_test(correct_b.astype(np.float64), correct_a.astype(np.float64), groups)
    only_a = int(np.sum(correct_a & ~correct_b))
    only_b = int(np.sum(correct_b & ~correct_a))
    if not only_a + only_b:
        return 1.0
    return float(binomtest(only_a, only_a + only_b).pvalue)
