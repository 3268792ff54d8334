"""Bootstrap, paired bootstrap and approximate randomisation against SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trimtab.evaluation.interval.row_sums import differences, exchange_test, mean_of_rows, with_intervals

RANDOM = np.random.default_rng(3)
ONE = RANDOM.random(150)
OTHER = np.clip(ONE + RANDOM.normal(0.03, 0.2, 150), 0, 1)


def test_the_interval_of_a_mean_is_scipys() -> None:
    [score] = with_intervals([mean_of_rows("m", "a mean", ONE.tolist(), signature="")])
    found = stats.bootstrap((ONE,), np.mean, method="percentile", rng=np.random.default_rng(1)).confidence_interval
    assert score.value == pytest.approx(ONE.mean())
    assert score.interval is not None
    wide = found.high - found.low
    assert score.interval.low == pytest.approx(found.low, abs=0.1 * wide)
    assert score.interval.high == pytest.approx(found.high, abs=0.1 * wide)


def test_paired_intervals_and_p_values_are_scipys() -> None:
    a, b = (mean_of_rows("m", "a mean", side.tolist(), signature="") for side in (ONE, OTHER))
    [interval] = differences([a], [b], seed=0, resamples=4000)
    [p_value] = exchange_test([a], [b], seed=0)
    gap = ONE - OTHER
    found = stats.bootstrap((gap,), np.mean, method="percentile", rng=np.random.default_rng(1)).confidence_interval
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((found.low, found.high), abs=0.05 * (found.high - found.low))
    oracle = stats.permutation_test((ONE, OTHER), lambda x, y: (x - y).mean(), permutation_type="samples",
                                    n_resamples=20_000, rng=np.random.default_rng(2))  # fmt: skip
    assert p_value == pytest.approx(oracle.pvalue, abs=0.015)


def test_few_rows_by_hand() -> None:
    # One system right on all of 6 rows, the other on none: 2 of the 64 exchanges are as far apart.
    a, b = (mean_of_rows("m", "a mean", [value] * 6, signature="") for value in (1.0, 0.0))
    [p_value] = exchange_test([a], [b], seed=0)
    assert p_value == pytest.approx(2 / 64, abs=0.006)
    assert exchange_test([a], [a], seed=0) == [1.0]


def test_rows_beyond_one_part_are_all_drawn() -> None:
    # 600,000 rows are drawn one resample at a time.
    [score] = with_intervals([mean_of_rows("m", "a mean", [0.0, 1.0] * 300_000, signature="")], resamples=40)
    assert score.interval is not None
    assert 0.497 < score.interval.low < 0.5 < score.interval.high < 0.503


def test_the_same_seed_gives_the_same_figures() -> None:
    one = mean_of_rows("m", "a mean", ONE.tolist(), signature="")
    assert with_intervals([one], seed=5) == with_intervals([one], seed=5)
    assert with_intervals([one], seed=5) != with_intervals([one], seed=6)
