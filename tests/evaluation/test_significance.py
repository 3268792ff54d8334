"""Significance against scipy, statsmodels, a plain bootstrap and simulations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from trimtab.evaluation.chance.tests import accuracy_interval, holm, paired_bootstrap, paired_test

CASES = 500


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 1), (5, 5), (10, 2), (2, 10), (0, 30), (140, 190), (9000, 9400)])
def test_paired_test_is_mcnemars(only_a: int, only_b: int) -> None:
    a = np.array([True] * only_a + [False] * only_b + [True, False] * 7)
    b = np.array([False] * only_a + [True] * only_b + [True, False] * 7)
    assert paired_test(a, b) == pytest.approx(binomtest(only_a, only_a + only_b).pvalue, rel=1e-6)
    assert paired_test(a, b) == pytest.approx(mcnemar([[7, only_a], [only_b, 7]], exact=True).pvalue, rel=1e-6)


def test_methods_that_never_differ_do_not_differ() -> None:
    same = np.array([True, False])
    assert paired_test(same, same) == 1.0
    interval, p_value = paired_bootstrap(same[None], same[None], 0)
    assert (interval.low, interval.high, p_value) == (0.0, 0.0, 1.0)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_agrees_with_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


def made(seeds: int, accuracy: float, rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((seeds, rows)) < accuracy


def test_one_seed_is_the_plain_paired_bootstrap_of_scipy() -> None:
    a, b = made(1, 0.85, 600, 1), made(1, 0.80, 600, 2)
    theirs = bootstrap(
        (a[0].astype(float) - b[0],), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    ours, p_value = paired_bootstrap(a, b, 0)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)
    assert p_value == pytest.approx(paired_test(a[0], b[0]), abs=0.02)
    theirs = bootstrap(
        (a[0].astype(float),), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    alone = accuracy_interval(a, 0)
    assert (alone.low, alone.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)


def test_seeds_that_differ_widen_the_interval_by_their_standard_error() -> None:
    rows = 100_000  # so many that only the seeds count
    accuracies = [0.80, 0.82, 0.84, 0.86, 0.88]
    correct = np.arange(rows) < np.array(accuracies)[:, None] * rows
    found = accuracy_interval(correct, 0, resamples=50_000)
    standard_error = np.std(accuracies, ddof=1) / np.sqrt(len(accuracies))
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * standard_error, rel=0.1)
    fixed, _ = paired_bootstrap(correct, correct[:1], 0, resamples=50_000)
    assert (fixed.high - fixed.low) / 2 == pytest.approx(1.96 * standard_error, rel=0.1)


def test_a_clear_difference_has_the_smallest_p_value_there_is() -> None:
    a, b = made(3, 0.9, 10_000, 1), made(2, 0.7, 10_000, 2)
    interval, p_value = paired_bootstrap(a, b, 0, resamples=999)
    assert p_value == 2 / 1000
    assert interval.low < a.mean() - b.mean() < interval.high
    mirrored, same = paired_bootstrap(b, a, 0, resamples=999)
    assert same == p_value
    assert (mirrored.low, mirrored.high) == pytest.approx((-interval.high, -interval.low), abs=0.003)


def test_the_same_every_time() -> None:
    a, b = made(3, 0.9, 500, 1), made(3, 0.88, 500, 2)
    assert paired_bootstrap(a, b, 7) == paired_bootstrap(a, b, 7)
    assert accuracy_interval(a, 7) == accuracy_interval(a, 7)


def test_intervals_stay_within_what_is_possible() -> None:
    found = accuracy_interval(np.ones((2, 9), bool), 0)
    assert (found.low, found.high) == (1.0, 1.0)
    nearly = np.ones((3, 50), bool)
    nearly[0, :9] = False
    assert accuracy_interval(nearly, 0).high <= 1.0


@pytest.mark.parametrize(("seeds", "spread", "most"), [(1, 0.0, 0.08), (3, 0.0, 0.08), (5, 0.1, 0.11)])
def test_simulated_methods_that_do_not_differ(seeds: int, spread: float, most: float) -> None:
    """Rows differ in difficulty and seeds in luck (`spread`, in log odds); bounds allow for 500 cases only.

    The docstring of `paired_bootstrap` says what is expected; where seeds differ, a little more than 5%.
    """
    random = np.random.default_rng(11)
    rows, significant, covered = 400, 0, 0
    logits = random.normal(0.9, 1, 1_000_000) + random.normal(0, spread, 1_000_000)
    truth = float(np.mean(1 / (1 + np.exp(-logits))))
    for case in range(CASES):
        difficulty = random.normal(0.9, 1, rows)
        a, b = (
            random.random((seeds, rows)) < 1 / (1 + np.exp(-difficulty - random.normal(0, spread, (seeds, 1))))
            for _ in range(2)
        )
        interval, p_value = paired_bootstrap(a, b, case, resamples=1000)
        significant += p_value < 0.05
        assert (p_value >= 0.05) or not interval.low < 0 < interval.high
        alone = accuracy_interval(a, case, resamples=1000)
        covered += alone.low <= truth <= alone.high
    assert 0.02 <= significant / CASES <= most
    assert 0.92 <= covered / CASES <= 0.98
