"""The paired bootstrap against SciPy's for one seed, and over several seeds by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from made_seeds import correct, f1, simulated
from scipy.stats import bootstrap

from trimtab.evaluation.chance.mcnemar import mcnemar_test
from trimtab.evaluation.chance.paired_bootstrap import paired_bootstrap, paired_sums
from trimtab.evaluation.interval.rows_and_seeds import accuracy_interval

CASES = 500


def test_methods_that_never_differ_do_not_differ() -> None:
    same = np.array([True, False])
    interval, p_value = paired_bootstrap(same[None], same[None], 0)
    assert (interval.low, interval.high, p_value) == (0.0, 0.0, 1.0)


def test_one_seed_is_the_plain_paired_bootstrap_of_scipy() -> None:
    a, b = correct(1, 0.85, 600, 1), correct(1, 0.80, 600, 2)
    theirs = bootstrap(
        (a[0].astype(float) - b[0],), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    ours, p_value = paired_bootstrap(a, b, 0)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)
    assert p_value == pytest.approx(mcnemar_test(a[0], b[0]), abs=0.02)


def test_seeds_that_differ_widen_the_interval_by_their_standard_error() -> None:
    rows = 100_000  # so many that only the seeds count
    accuracies = [0.80, 0.82, 0.84, 0.86, 0.88]
    of_seeds = np.arange(rows) < np.array(accuracies)[:, None] * rows
    standard_error = np.std(accuracies, ddof=1) / np.sqrt(len(accuracies))
    fixed, _ = paired_bootstrap(of_seeds, of_seeds[:1], 0, resamples=50_000)
    assert (fixed.high - fixed.low) / 2 == pytest.approx(1.96 * standard_error, rel=0.1)


def test_a_clear_difference_has_the_smallest_p_value_there_is() -> None:
    a, b = correct(3, 0.9, 10_000, 1), correct(2, 0.7, 10_000, 2)
    interval, p_value = paired_bootstrap(a, b, 0, resamples=999)
    assert p_value == 2 / 1000
    assert interval.low < a.mean() - b.mean() < interval.high
    mirrored, same = paired_bootstrap(b, a, 0, resamples=999)
    assert same == p_value
    assert (mirrored.low, mirrored.high) == pytest.approx((-interval.high, -interval.low), abs=0.003)


def test_the_same_every_time() -> None:
    a, b = correct(3, 0.9, 500, 1), correct(3, 0.88, 500, 2)
    assert paired_bootstrap(a, b, 7) == paired_bootstrap(a, b, 7)


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


@pytest.mark.parametrize(("of_seeds", "most"), [(0.0, 0.09), (0.015, 0.15)])
def test_several_seeds_without_a_difference_are_seldom_told_apart(of_seeds: float, most: float) -> None:
    """Two methods of three seeds each, drawn alike: p falls below 0.05 about as seldom as it says."""
    random = np.random.default_rng(0)
    false = 0
    for trial in range(200):
        a, b = simulated(random, of_seeds), simulated(random, of_seeds)
        false += paired_sums(a, b, f1, trial, resamples=400)[1] < 0.05
    assert 0.005 <= false / 200 <= most
