"""Intervals of shares: against SciPy's, by how often simulated ones hold, and by hand where rows belong together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from trimtab.evaluation.interval.groups import Groups, each_alone, groups_of
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.interval.shares import share_interval, share_interval_of_seeds, wilson


def of(correct: list[bool] | np.ndarray, groups: Groups | None = None) -> Interval:
    values = np.asarray(correct, dtype=float)
    return share_interval(values.mean(), values - values.mean(), groups)


@pytest.mark.parametrize(("right", "rows"), [(0, 6), (1, 16), (10, 20), (19, 20), (16, 16), (195, 200)])
def test_rows_that_are_right_or_wrong_have_wilsons_interval_of_scipy(right: int, rows: int) -> None:
    theirs = binomtest(right, rows).proportion_ci(method="wilson")
    found = of(np.arange(rows) < right)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize("share", [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99])
def test_the_interval_holds_in_95_percent_of_cases(share: float) -> None:
    held = []
    for rows in (16, 20, 30, 50, 75, 100, 150, 200):
        found = [of(np.arange(rows) < right) for right in range(rows + 1)]
        inside = np.array([one.low <= share <= one.high for one in found])
        held.append(binom.pmf(np.arange(rows + 1), rows, share) @ inside)  # the chance of each count: nothing is drawn
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_the_interval_holds_where_rows_belong_together() -> None:
    random, held, alone = np.random.default_rng(0), [], []
    groups = groups_of([str(i // 10) for i in range(300)])
    for _ in range(400):  # most rows of a group are right or wrong together
        of_groups = np.repeat(random.random(30) < 0.85, 10)
        correct = np.where(random.random(300) < 0.8, of_groups, random.random(300) < 0.85)
        held.append(of(correct, groups).low <= 0.85 <= of(correct, groups).high)
        alone.append(of(correct).low <= 0.85 <= of(correct).high)
    assert np.mean(held) >= 0.92
    assert np.mean(alone) < 0.7  # what it was


def test_copies_of_rows_tell_nothing_new() -> None:
    correct = np.arange(20) < 15
    copies = of(np.repeat(correct, 8), groups_of([str(i // 8) for i in range(160)]))
    assert copies.high - copies.low > of(correct).high - of(correct).low
    right = of(np.ones(160), groups_of([str(i // 8) for i in range(160)]))
    assert right.low < of(np.ones(20)).low < of(np.ones(160)).low


def test_a_single_group_tells_nothing() -> None:
    assert of([True, True, False], groups_of(["a", "a", "a"])) == Interval(0.0, 1.0)


def test_seeds_that_differ_widen_the_interval_by_students_distribution() -> None:
    scores = [0.80, 0.82, 0.84, 0.86, 0.88]
    rows = 100_000  # so many that only the seeds count
    moves = np.array([(np.arange(rows) < score * rows) - score for score in scores])
    found = share_interval_of_seeds(scores, moves)
    error = np.std(scores, ddof=1) / np.sqrt(5)
    assert (found.high - found.low) / 2 == pytest.approx(2.776 * error, rel=0.05)


def test_a_row_without_a_group_stands_alone() -> None:
    assert groups_of(["", "a", "", "a"]).of_N.tolist() == [0, 1, 2, 1]
    assert each_alone(3).alone
    assert groups_of(["a", "b", "c"]).alone
    assert groups_of(["", "a", "", "a"]).sums(np.array([1.0, 2.0, 3.0, 4.0])).tolist() == [1.0, 6.0, 3.0]


def test_no_rows_right_of_few_is_not_known_to_be_never() -> None:
    assert wilson(0.0, 6).high == pytest.approx(0.390, abs=1e-3)
