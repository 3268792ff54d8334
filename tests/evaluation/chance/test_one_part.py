"""Parts that are lower than the rest: against SciPy's tests, and how often chance is called a difference."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.stats import fisher_exact, permutation_test

from trimtab.evaluation.chance.one_part import lower_parts
from trimtab.evaluation.interval.groups import Groups, each_alone


def test_of_two_values_it_is_fishers_exact_test() -> None:
    random = np.random.default_rng(0)
    right_N = (random.random(80) < 0.7).astype(np.float64)
    inside_NP = random.random((80, 5)) < [0.1, 0.3, 0.5, 0.7, 0.9]
    theirs = []
    for inside_N in inside_NP.T:
        table = [[int((right_N[side] == value).sum()) for value in (1, 0)] for side in (inside_N, ~inside_N)]
        theirs.append(fisher_exact(table, alternative="less").pvalue)
    assert lower_parts(right_N - right_N.mean(), inside_NP, each_alone(80)) == pytest.approx(theirs)


def test_of_other_values_it_is_the_permutation_test() -> None:
    random = np.random.default_rng(1)
    values_N = random.gamma(1.0, size=60)
    inside_NP = np.stack([np.arange(60) < 15, values_N < 1.1, np.arange(60) % 2 == 0], axis=1)
    for ours, inside_N in zip(lower_parts(values_N, inside_NP), inside_NP.T, strict=True):
        parts = (values_N[inside_N], values_N[~inside_N])
        theirs = permutation_test(
            parts, lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis), vectorized=True, alternative="less",
            n_resamples=9_999, rng=np.random.default_rng(0),
        ).pvalue  # fmt: skip
        assert ours == pytest.approx(theirs, abs=0.02)


def test_values_that_are_all_the_same_tell_nothing() -> None:
    assert lower_parts(np.zeros(20), (np.arange(20) < 5)[:, None]) == [1.0]


@pytest.mark.parametrize("together", [1, 5])
def test_chance_is_called_a_difference_in_five_of_a_hundred_cases(together: int) -> None:
    """Rows of a group are alike, and stand on one side; by single rows such groups would be called real too often."""
    random, low = np.random.default_rng(2), 0
    for case in range(120):
        of_group = np.repeat(random.normal(size=60), together)
        groups = Groups(np.repeat(np.arange(60), together))
        inside_N = np.repeat(random.permutation(60) < 20, together)
        values_N = (of_group + 0.3 * random.normal(size=len(of_group)) > 0).astype(np.float64)
        low += lower_parts(values_N, inside_N[:, None], groups, seed=case)[0] < 0.05
    assert 1 <= low <= 13


def test_many_rows_take_seconds() -> None:
    values_N = np.random.default_rng(0).normal(size=5_000)
    began = time.perf_counter()
    lower_parts(values_N, np.arange(5_000)[:, None] % [3, 4, 5] == 0)
    assert time.perf_counter() - began < 10
