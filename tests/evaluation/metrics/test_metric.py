"""Figures of sums by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from trimtab.evaluation.metrics.metric import Metric, f1_of_sums, mean_of_rows, ratio_of_sums


def test_a_mean_of_rows() -> None:
    found = mean_of_rows(Metric("m"), [0.0, 0.5, 1.0], signature="s")
    assert (found.value, found.signature) == (0.5, "s")
    assert found.per_row is not None
    assert found.sums is not None
    assert found.per_row.tolist() == [0.0, 0.5, 1.0]
    assert found.sums.rows_NS.tolist() == [[0, 1], [0.5, 1], [1, 1]]


def test_a_ratio_of_nothing_is_0() -> None:
    assert ratio_of_sums(np.array([[3.0, 4.0], [0.0, 0.0], [2.0, 0.0]])).tolist() == [0.75, 0, 0]


def test_f1_is_scikit_learns_and_of_nothing_what_is_asked_for() -> None:
    right, given = np.array([1, 1, 0, 1, 0]), np.array([1, 0, 1, 1, 0])
    sums = np.array([(right & given).sum(), given.sum(), right.sum()], dtype=float)
    assert f1_of_sums(sums) == pytest.approx(f1_score(right, given))
    assert (f1_of_sums(np.zeros(3)), f1_of_sums(np.zeros(3), of_none=0.0)) == (1, 0)


def test_what_is_good_is_turned_to_be_high() -> None:
    assert [Metric("m", higher_is_better=better).goodness(2.0) for better in (True, None, False)] == [2, 2, -2]
    assert [Metric("m", unit=unit).scale for unit in ("share", "points", "ratio", "own")] == [1, 100, 1, 1]
