"""The paired permutation test against all signs, and against SciPy's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from trimtab.evaluation.chance.permutation import paired_permutation_test


def test_it_counts_all_signs() -> None:
    random = np.random.default_rng(3)
    one, other = random.random(10) + 0.3, random.random(10)
    difference = one - other
    sums = [abs(np.array(signs) @ difference) for signs in itertools.product((-1, 1), repeat=10)]
    exact = np.mean(np.array(sums) >= abs(difference.sum()) - 1e-12)
    assert paired_permutation_test(one, other) == pytest.approx(exact, abs=0.01)
    assert paired_permutation_test(one, one) == 1.0


def test_it_is_scipys() -> None:
    random = np.random.default_rng(5)
    one, other = random.random(300), random.random(300) + 0.04
    oracle = stats.permutation_test((one, other), lambda x, y: (x - y).mean(), permutation_type="samples",
                                    n_resamples=9999, rng=np.random.default_rng(2))  # fmt: skip
    assert paired_permutation_test(one, other) == pytest.approx(oracle.pvalue, abs=0.02)
