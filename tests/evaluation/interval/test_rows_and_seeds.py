"""Intervals over rows and seeds, by what seeds that differ add."""

from __future__ import annotations

import numpy as np
import pytest
from made_seeds import f1, simulated, width

from trimtab.evaluation.interval.groups import groups_of
from trimtab.evaluation.interval.rows_and_seeds import r_squared_interval, sums_interval


def test_seeds_that_differ_widen_the_interval_by_what_rows_do_not_explain() -> None:
    random = np.random.default_rng(3)
    alike, apart = simulated(random, 0.0), simulated(random, 0.1)
    rows_alone = width(sums_interval(apart[:1], f1, None, 0))
    assert width(sums_interval(alike, f1, None, 0)) < 1.1 * rows_alone
    assert width(sums_interval(apart, f1, None, 0)) > 1.5 * rows_alone


def test_r_squared_is_at_most_one_and_as_wide_as_its_seeds_lie_apart() -> None:
    random = np.random.default_rng(0)
    right = random.normal(5, 2, 400)
    errors = np.stack([random.normal(0, spread, 400) ** 2 for spread in (0.5, 0.5, 2.0)])
    assert width(r_squared_interval(errors, right, None, 0)) > 3 * width(r_squared_interval(errors[:2], right, None, 0))
    perfect = r_squared_interval(np.zeros((2, 400)), right, None, 0)
    assert (perfect.low, perfect.high) == (1.0, 1.0)


def test_draws_without_variance_are_left_out() -> None:
    # Two rows: every second draw is of one row alone.
    found = r_squared_interval(np.array([[0.25, 0.25]]), np.array([0.0, 1.0]), None, 0)
    assert (found.low, found.high) == (0.0, 0.0)


def test_rows_of_a_group_count_once() -> None:
    random = np.random.default_rng(1)
    right, errors = random.normal(5, 2, 40), random.normal(0, 1, 40) ** 2
    groups = groups_of([str(i % 40) for i in range(200)])
    alone = width(r_squared_interval(errors[None], right, None, 0))
    copies = width(r_squared_interval(np.tile(errors, 5)[None], np.tile(right, 5), groups, 0))
    assert copies == pytest.approx(alone, rel=0.1)
