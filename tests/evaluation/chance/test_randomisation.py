"""Approximate randomisation against SciPy's permutation test, and against all exchanges of a few rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from trimtab.evaluation.chance.randomisation import randomisation_tests
from trimtab.evaluation.interval.row_sums import RowSums

RANDOM = np.random.default_rng(3)
ONE = RANDOM.random(150)
OTHER = np.clip(ONE + RANDOM.normal(0.03, 0.2, 150), 0, 1)


def mean(values: np.ndarray) -> RowSums:
    return RowSums(np.stack([values, np.ones_like(values)], axis=1), lambda sums: sums[..., 0] / sums[..., 1])


def f1(sums: np.ndarray) -> np.ndarray:
    return 2 * sums[..., 0] / (sums[..., 1] + sums[..., 2])


def test_p_values_of_means_are_scipys() -> None:
    [p_value] = randomisation_tests([(mean(ONE), mean(OTHER))])
    oracle = stats.permutation_test((ONE, OTHER), lambda x, y: (x - y).mean(), permutation_type="samples",
                                    n_resamples=20_000, rng=np.random.default_rng(2))  # fmt: skip
    assert p_value == pytest.approx(oracle.pvalue, abs=0.015)


def test_few_rows_by_hand() -> None:
    # One system right on all of 6 rows, the other on none: 2 of the 64 exchanges are as far apart.
    a, b = mean(np.ones(6)), mean(np.zeros(6))
    several = randomisation_tests([(a, b), (a, a), (b, a)])
    assert several == [pytest.approx(2 / 64, abs=0.006), 1.0, several[0]]
    assert randomisation_tests([]) == []


def test_f1_is_tested_over_all_rows() -> None:
    """Against all 2^9 ways to swap the answers of nine rows."""
    draw = np.random.default_rng(4)
    there = draw.integers(1, 4, size=9)
    a, b = (np.stack([draw.binomial(there, share), there, there], axis=1).astype(float) for share in (0.9, 0.4))
    observed, extreme = abs(f1(a.sum(0)) - f1(b.sum(0))), 0
    for swaps in itertools.product([False, True], repeat=9):
        swap = np.array(swaps)[:, None]
        gap = f1(np.where(swap, b, a).sum(0)) - f1(np.where(swap, a, b).sum(0))
        extreme += abs(gap) >= observed - 1e-12
    [p_value] = randomisation_tests([(RowSums(a, f1), RowSums(b, f1))])
    assert p_value == pytest.approx(extreme / 2**9, abs=0.01)


def test_rows_beyond_one_part_all_have_their_coins() -> None:
    # 400,000 rows are thrown for two exchanges at a time.
    one = np.zeros(400_000)
    one[:8] = 1.0
    [p_value] = randomisation_tests([(mean(one), mean(np.zeros_like(one)))], exchanges=199)
    assert p_value < 0.1
