"""Geometry of the comparison's charts, checked on points whose place is known."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from trimtab.evaluation.interval.interval import Interval
from trimtab.reports.charts.comparison import (
    BOTTOM,
    LEFT,
    NARROW,
    RIGHT,
    TOP,
    WIDE,
    Curve,
    Dot,
    learning_curves,
    score_against_cost,
)


def dot(name: str, seconds: float, accuracy: float, kind: str = "tuned", half: float = 0.1) -> Dot:
    return Dot(name, name, kind, seconds, accuracy, Interval(accuracy - half, accuracy + half), False)


def texts(svg: str, kind: str) -> list[str]:
    return re.findall(rf'<text class="{kind}"[^>]*>(?:<title>[^<]*</title>)?([^<]*)</text>', svg)


def circles(svg: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'<circle[^>]* cx="([\d.]+)" cy="([\d.]+)"', svg)]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_seconds_lie_on_a_log_axis_and_accuracy_on_an_even_one(width: int) -> None:
    svg = score_against_cost("t", [dot("a", 1.0, 0.5), dot("b", 10.0, 0.6), dot("c", 3.1622776, 0.7)], width)
    (a, b, c) = circles(svg)
    assert c[0] == pytest.approx((a[0] + b[0]) / 2, abs=0.1)
    assert b[1] == pytest.approx((a[1] + c[1]) / 2, abs=0.1)
    assert a[0] == pytest.approx(LEFT + 12, abs=0.1)
    assert b[0] == pytest.approx(width - RIGHT - 12, abs=0.1)
    assert texts(svg, "tick")[-2:] == ["1 s", "10 s"]
    assert texts(svg, "name") == ["training time, one seed"]
    height = float(re.findall(r'viewBox="0 0 \d+ (\d+)"', svg)[0])
    whisker = re.findall(r'class="whisker" d="M[\d.]+ ([\d.]+)V([\d.]+)"', svg)
    assert float(whisker[2][0]) == pytest.approx(TOP, abs=0.1)  # 0.8, the axis' upper end
    assert float(whisker[0][1]) == pytest.approx(height - BOTTOM, abs=0.1)  # 0.4, its lower end


def test_what_takes_no_training_stands_left_of_the_axis() -> None:
    svg = score_against_cost("t", [dot("z", 0.0, 0.5), dot("a", 0.02, 0.6), dot("b", 4000.0, 0.6)], WIDE)
    z, a, b = circles(svg)
    assert z[0] < a[0] < b[0]
    assert texts(svg, "tick")[-1] == "none"
    hurried = score_against_cost("t", [dot("z", 0.003, 0.5), dot("a", 0.02, 0.6)], WIDE)
    assert texts(hurried, "tick")[-1] == "&lt; 0.01 s"
    only = score_against_cost("t", [dot("z", 0.0, 0.5), dot("y", 0.0, 0.6)], WIDE)
    assert texts(only, "tick")[-1] == "none"


def test_kinds_have_shapes_of_their_own() -> None:
    kinds = [dot("a", 1.0, 0.5, "baseline"), dot("b", 2.0, 0.6, "untrained"), dot("c", 3.0, 0.7)]
    svg = score_against_cost("t", kinds, WIDE)
    assert re.findall(r'<g class="way (\w+)"><title>\w</title><path[^>]*/><(\w+)', svg) == [
        ("baseline", "rect"), ("untrained", "path"), ("tuned", "circle"),
    ]  # fmt: skip


def test_many_dots_in_one_place_make_the_chart_higher_not_unreadable() -> None:
    crowd = [dot(f"a rather long name {n}", 100.0, 0.9, half=0.001) for n in range(44)]
    svg = score_against_cost("t", crowd, NARROW)
    assert len(texts(svg, "label")) == 44
    assert float(re.findall(r'viewBox="0 0 \d+ (\d+)"', svg)[0]) > 380


def test_training_rows_lie_on_a_log_axis_and_lines_are_named_at_their_end() -> None:
    around = Interval(0.4, 0.8)
    points = [(10, 0.5, around), (100, 0.6, around), (1000, 0.7, around)]
    svg = learning_curves("t", [Curve("first", points, True), Curve("second", points[:2], False)], WIDE)
    strong = re.findall(r'<g class="curve c0 strong d0">.*?</text></g>', svg)[0]
    a, b, c = circles(strong)
    assert b[0] - a[0] == pytest.approx(c[0] - b[0], abs=0.2)
    assert b[1] - a[1] == pytest.approx(c[1] - b[1], abs=0.2)
    assert texts(svg, "tick")[-3:] == ["10", "100", "1,000"]
    assert texts(svg, "label") + texts(svg, "label chosen") == ["second", "first"]
    assert svg.index("curve c0 strong d0") < svg.index("curve c1 d1"), "the wide line lies below the others"
    assert "first: 70.0% from 1,000 rows (95%: 40.0 to 80.0)" in svg
    right = float(re.findall(r'<text class="label chosen" x="([\d.]+)"', svg)[0])
    assert right > c[0]


def test_lines_that_lie_on_one_another_are_told_apart() -> None:
    points = [(10, 1.0, Interval(1.0, 1.0)), (100, 1.0, Interval(1.0, 1.0))]
    svg = learning_curves("t", [Curve(f"way {n}", points, n == 2) for n in range(20)], WIDE)
    looks = [(colour, dashes) for colour, dashes in re.findall(r'<g class="curve (c\d)(?: strong)? (d\d)">', svg)]
    assert len(set(looks)) == 20
    assert looks[0] == ("c2", "d0")
    assert set(re.findall(r'<(\w+) class="point"', svg)) == {"circle", "rect", "path"}
    heights = sorted(float(y) for y in re.findall(r'<text class="label[^"]*" x="[\d.]+" y="([\d.]+)"', svg))
    assert all(b - a >= 15 for a, b in pairwise(heights)), "no name hides another"


def test_one_number_of_rows_and_names_from_outside_are_fine() -> None:
    svg = learning_curves("<t>", [Curve("<b>&", [(64, 0.5, Interval(0.5, 0.5))], False)], NARROW)
    assert "<b>" not in svg
    assert texts(svg, "label") == ["&lt;b&gt;&amp;"]
    assert 'aria-label="&lt;t&gt;"' in svg
    assert "nan" not in svg


def test_chinese_labels_are_marked_and_cut_by_their_width() -> None:
    name = "在每一层都加上二十个可训练前缀向量的方法"
    svg = score_against_cost("t", [dot(name, 1.0, 0.5), dot("b", 2.0, 0.6)], NARROW)
    (label,) = re.findall(r'<text class="label"[^>]* lang="zh"><title>[^<]*</title>([^<]*)', svg)
    assert label.endswith("…")
    assert len(label) < 14
    assert f"<title>{name}</title>" in svg
