"""Rows that belong together: numbered, counted and summed as pandas does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trimtab.evaluation.interval.groups import Groups, each_alone, groups_of

NAMES = ["b", "", "a", "b", "", "b"]


def test_rows_of_one_name_belong_together_and_rows_without_one_stand_alone() -> None:
    groups = groups_of(NAMES)
    assert groups.of_N.tolist() == [0, 1, 2, 0, 3, 0]
    assert (groups.count, groups.alone) == (4, False)
    assert groups.sizes_G.tolist() == [3, 1, 1, 1]
    assert groups_of(["", ""]).alone


def test_no_rows_are_no_groups() -> None:
    none = groups_of([])
    assert (none.count, none.alone, none.sizes_G.tolist()) == (0, True, [])
    assert each_alone(0).count == 0


@pytest.mark.parametrize("shape", [(60,), (60, 3)])
def test_sums_are_those_of_pandas(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    of_N, values = random.integers(7, size=60), random.normal(size=shape)
    expected = pd.DataFrame(values).groupby(of_N).sum().to_numpy().reshape(7, *shape[1:])
    assert np.allclose(Groups(of_N).sums(values), expected)


def test_where_rows_stand_alone_their_values_are_put_in_the_order_of_their_numbers() -> None:
    assert Groups(np.array([2, 0, 1])).sums(np.array([5.0, 6.0, 7.0])).tolist() == [6.0, 7.0, 5.0]
    assert each_alone(3).sums(np.array([5, 6, 7])).dtype == np.float64
