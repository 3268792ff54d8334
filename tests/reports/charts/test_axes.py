"""Round values along an axis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.reports.charts.axes import ticks


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_span_the_values_evenly(low: float, span: float) -> None:
    marks = ticks(low, low + span)
    slack = 1e-6 * (1 + abs(low) + span)
    assert marks[0] <= low + slack
    assert marks[-1] >= low + span - slack
    assert 2 <= len(marks) <= 9


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0, 1, [0, 0.25, 0.5, 0.75, 1]),
        (0.883, 0.921, [0.88, 0.89, 0.9, 0.91, 0.92, 0.93]),
        (3, 3, [2.8, 2.9, 3, 3.1, 3.2]),
        (2e-14, 3e-14, [2e-14, 2.25e-14, 2.5e-14, 2.75e-14, 3e-14]),  # scores of a model that has learned nothing yet
    ],
)
def test_ticks_are_round(low: float, high: float, marks: list[float]) -> None:
    assert ticks(low, high, 4) == marks
