"""The bootstrap of figures that are functions of sums: against SciPy, and on more rows than are drawn at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trimtab.evaluation.interval.row_sums import RowSums, difference_intervals, intervals, resampled

RANDOM = np.random.default_rng(3)
ONE = RANDOM.random(150)
OTHER = np.clip(ONE + RANDOM.normal(0.03, 0.2, 150), 0, 1)


def mean(values: np.ndarray) -> RowSums:
    return RowSums(np.stack([values, np.ones_like(values)], axis=1), lambda sums: sums[..., 0] / sums[..., 1])


def test_the_interval_of_a_mean_is_scipys() -> None:
    [interval] = intervals([mean(ONE)])
    found = stats.bootstrap((ONE,), np.mean, method="percentile", rng=np.random.default_rng(1)).confidence_interval
    assert mean(ONE).value == pytest.approx(ONE.mean())
    assert (interval.low, interval.high) == pytest.approx((found.low, found.high), abs=0.1 * (found.high - found.low))


def test_paired_intervals_are_scipys() -> None:
    [interval] = difference_intervals([(mean(ONE), mean(OTHER))], seed=0, resamples=4000)
    found = stats.bootstrap(
        (ONE - OTHER,), np.mean, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert (interval.low, interval.high) == pytest.approx((found.low, found.high), abs=0.05 * (found.high - found.low))


def test_figures_share_their_draws() -> None:
    one, again, other = resampled([mean(ONE), mean(ONE), mean(OTHER)], resamples=50)
    assert one.tolist() == again.tolist()
    assert resampled([mean(OTHER)], resamples=50)[0] == pytest.approx(other)
    assert np.corrcoef(one, other)[0, 1] > 0.5
    assert resampled([], resamples=50).shape == (0, 50)


def test_one_row_has_an_interval_of_no_width() -> None:
    [interval] = intervals([mean(np.array([0.3]))])
    assert (interval.low, interval.high) == (0.3, 0.3)


def test_rows_beyond_one_part_are_all_drawn() -> None:
    # 600,000 rows are drawn one resample at a time.
    [interval] = intervals([mean(np.array([0.0, 1.0] * 300_000))], resamples=40)
    assert 0.497 < interval.low < 0.5 < interval.high < 0.503


def test_the_same_seed_gives_the_same_figures() -> None:
    assert intervals([mean(ONE)], seed=5) == intervals([mean(ONE)], seed=5)
    assert intervals([mean(ONE)], seed=5) != intervals([mean(ONE)], seed=6)
