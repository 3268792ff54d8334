"""McNemar's exact test against statsmodels, and summed up by hand in whole numbers."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from trimtab.evaluation.chance.mcnemar import mcnemar_test


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 1), (5, 5), (10, 2), (2, 10), (0, 30), (140, 190), (900, 940)])
def test_it_is_mcnemars(only_a: int, only_b: int) -> None:
    a = np.array([True] * only_a + [False] * only_b + [True, False] * 7)
    b = np.array([False] * only_a + [True] * only_b + [True, False] * 7)
    flips = only_a + only_b
    tail = sum(comb(flips, k) for k in range(min(only_a, only_b) + 1))
    assert mcnemar_test(a, b) == pytest.approx(min(1.0, 2 * tail / 2**flips), rel=1e-9)
    assert mcnemar_test(a, b) == pytest.approx(mcnemar([[7, only_a], [only_b, 7]], exact=True).pvalue, rel=1e-9)


def test_methods_that_never_differ_do_not_differ() -> None:
    same = np.array([True, False])
    assert mcnemar_test(same, same) == 1.0
