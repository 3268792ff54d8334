"""Intervals over rows and seeds: against SciPy's bootstrap for one seed, and by what seeds that differ add."""

from __future__ import annotations

import numpy as np
import pytest
from made_seeds import correct, f1, simulated, width
from scipy.stats import bootstrap

from trimtab.evaluation.interval.rows_and_seeds import accuracy_interval, r_squared_interval, sums_interval


def test_one_seed_is_the_plain_bootstrap_of_scipy() -> None:
    a = correct(1, 0.85, 600, 1)
    theirs = bootstrap(
        (a[0].astype(float),), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    alone = accuracy_interval(a, 0)
    assert (alone.low, alone.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)


def test_seeds_that_differ_widen_the_interval_by_their_standard_error() -> None:
    rows = 100_000  # so many that only the seeds count
    accuracies = [0.80, 0.82, 0.84, 0.86, 0.88]
    of_seeds = np.arange(rows) < np.array(accuracies)[:, None] * rows
    found = accuracy_interval(of_seeds, 0, resamples=50_000)
    standard_error = np.std(accuracies, ddof=1) / np.sqrt(len(accuracies))
    assert width(found) / 2 == pytest.approx(1.96 * standard_error, rel=0.1)


def test_the_same_every_time() -> None:
    a = correct(3, 0.9, 500, 1)
    assert accuracy_interval(a, 7) == accuracy_interval(a, 7)


def test_intervals_stay_within_what_is_possible() -> None:
    found = accuracy_interval(np.ones((2, 9), bool), 0)
    assert (found.low, found.high) == (1.0, 1.0)
    nearly = np.ones((3, 50), bool)
    nearly[0, :9] = False
    assert accuracy_interval(nearly, 0).high <= 1.0


def test_seeds_that_differ_widen_the_interval_by_what_rows_do_not_explain() -> None:
    random = np.random.default_rng(3)
    alike, apart = simulated(random, 0.0), simulated(random, 0.1)
    rows_alone = width(sums_interval(apart[:1], f1, 0))
    assert width(sums_interval(alike, f1, 0)) < 1.1 * rows_alone
    assert width(sums_interval(apart, f1, 0)) > 1.5 * rows_alone


def test_r_squared_is_at_most_one_and_as_wide_as_its_seeds_lie_apart() -> None:
    random = np.random.default_rng(0)
    right = random.normal(5, 2, 400)
    errors = np.stack([random.normal(0, spread, 400) ** 2 for spread in (0.5, 0.5, 2.0)])
    assert width(r_squared_interval(errors, right, 0)) > 3 * width(r_squared_interval(errors[:2], right, 0))
    perfect = r_squared_interval(np.zeros((2, 400)), right, 0)
    assert (perfect.low, perfect.high) == (1.0, 1.0)


def test_draws_without_variance_are_left_out() -> None:
    # Two rows: every second draw is of one row alone.
    found = r_squared_interval(np.array([[0.25, 0.25]]), np.array([0.0, 1.0]), 0)
    assert (found.low, found.high) == (0.0, 0.0)
