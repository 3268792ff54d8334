"""Geometry of the charts, checked on points whose place is known."""

from __future__ import annotations

import math
import re

import pytest

from trimtab.reports.charts.run import (
    BOTTOM,
    HEIGHT,
    LEFT,
    MOST_POINTS,
    RIGHT,
    TOP,
    WIDTH,
    Line,
    calibration_chart,
    line_chart,
)


def points_of(svg: str) -> list[list[tuple[float, float]]]:
    paths = re.findall(r'<g class="line[^>]*><title>[^<]*</title><path d="M([^"]*)"', svg)
    return [[(float(x), float(y)) for x, y in (point.split() for point in path.split("L"))] for path in paths]


def test_a_line_runs_from_corner_to_corner() -> None:
    svg = line_chart("t", [Line("seed 0", [(0, 0.0), (100, 1.0)], True)], x_end=100, x_name="step", unit="%")
    assert points_of(svg) == [[(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, TOP)]]
    assert ">100%</text>" in svg


def test_strong_lines_lie_on_top_and_gaps_are_left_out() -> None:
    lines = [
        Line("kept", [(0, 1.0), (1, math.nan), (2, 0.0)], True),
        Line("other", [(0, 1.0), (2, 0.5)], False),
        Line("diverged", [(0, math.nan)], False),
    ]
    svg = line_chart("t", lines, x_end=2, x_name="step", unit="")
    assert re.findall(r"<g class=\"line \w+\"><title>(\w+)", svg) == ["other", "kept"]
    assert "nan" not in svg


def test_nothing_to_draw_is_no_chart() -> None:
    assert line_chart("t", [Line("s", [(0, math.inf)], True)], x_end=1, x_name="step", unit="") == ""


def test_a_long_line_is_thinned_to_means() -> None:
    long = [(float(k), 1.0 if k % 2 else 3.0) for k in range(MOST_POINTS * 10)]
    (points,) = points_of(line_chart("t", [Line("s", long, True)], x_end=len(long), x_name="step", unit=""))
    assert len(points) == MOST_POINTS
    assert len({y for _, y in points}) == 1  # every group holds as many ones as threes


def test_calibration_dots_stand_at_confidence_and_accuracy() -> None:
    svg = calibration_chart("t", [(0.0, 0.0, 0), (0.75, 0.5, 40)])
    (dot,) = re.findall(r'<circle class="dot" cx="([\d.]+)" cy="([\d.]+)"', svg)
    assert float(dot[0]) == pytest.approx(LEFT + 0.75 * (WIDTH - RIGHT - LEFT), abs=0.06)
    assert float(dot[1]) == pytest.approx((TOP + HEIGHT + 20 - BOTTOM) / 2, abs=0.06)
    assert "75.0% sure, 50.0% right, 40 rows" in svg
