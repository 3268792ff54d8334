"""Calibration by hand."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.evaluation.scores.calibration import BINS, CalibrationBin, bins_of, calibration


def test_the_error_by_hand() -> None:
    # Bins of width 1/15: 0.62 is in (9/15, 10/15], 0.92 and 0.93 in (13/15, 14/15].
    bins, error = calibration(np.array([0.62, 0.92, 0.93, 0.92]), np.array([False, True, True, False]))
    assert error == pytest.approx(1 / 4 * 0.62 + 3 / 4 * abs(2 / 3 - 2.77 / 3))
    assert bins[9] == CalibrationBin(pytest.approx(0.62), 0.0, 1)
    assert bins[13] == CalibrationBin(pytest.approx(2.77 / 3), pytest.approx(2 / 3), 3)
    assert [b.rows for b in bins] == [0] * 9 + [1, 0, 0, 0, 3, 0]


def test_what_is_as_often_right_as_it_says_has_no_error() -> None:
    assert calibration(np.full(10, 0.8), np.arange(10) < 8)[1] == pytest.approx(0)


def test_an_edge_belongs_to_the_lower_bin() -> None:
    assert bins_of(np.array([0.0, 1 / BINS, 0.6, 1.0])).tolist() == [0, 0, 8, 14]
