"""McNemar's exact test against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from trimtab.evaluation import paired_test


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 1), (5, 5), (10, 2), (2, 10), (0, 30), (140, 190), (9000, 9400)])
def test_agrees_with_the_binomial_test(only_a: int, only_b: int) -> None:
    a = np.array([True] * only_a + [False] * only_b + [True, False] * 7)
    b = np.array([False] * only_a + [True] * only_b + [True, False] * 7)
    assert paired_test(a, b) == pytest.approx(binomtest(only_a, only_a + only_b).pvalue, rel=1e-6)


def test_methods_that_never_differ_do_not_differ() -> None:
    assert paired_test(np.array([True, False]), np.array([True, False])) == 1.0
