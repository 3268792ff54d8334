"""Labels keep clear of marks, of each other and of the edges."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.reports.charts.label_places import LINE_HEIGHT, Box, Mark, place, spread, text_width

AREA = Box(40, 0, 760, 400)
marks = st.builds(
    lambda x, y, half, width: Mark(x, y, 6.0, width, y - half, y + half),
    st.floats(60, 740), st.floats(20, 380), st.floats(0, 60), st.floats(20, 250),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(marks, max_size=14))
def test_no_label_overlaps_a_label_or_a_mark_or_leaves_the_area(made: list[Mark]) -> None:
    boxes = place(made, AREA)
    assert boxes is not None
    assert len(boxes) == len(made)
    for mark, box in zip(made, boxes, strict=True):
        assert abs(box.right - box.left - mark.width) < 1e-6
        assert box.within(AREA)
        for other in made:
            assert not box.overlaps(Box(other.x - 6, other.y - 6, other.x + 6, other.y + 6))
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_a_lone_mark_has_its_label_right_beside_it_and_one_at_the_edge_left() -> None:
    left, right = Mark(100, 200, 6, 50, 190, 210), Mark(750, 200, 6, 50, 190, 210)
    assert place([left], AREA) == [Box(110, 192, 160, 208)]
    assert place([right], AREA) == [Box(690, 192, 740, 208)]


def test_an_area_too_small_is_none() -> None:
    mark = Mark(20, 8, 6, 50, 0, 16)
    assert place([mark], Box(0, 0, 40, 16)) is None


@given(st.lists(st.floats(0, 400), max_size=20))
def test_spread_keeps_the_order_and_the_distance(middles: list[float]) -> None:
    places = spread(middles, 0, 400)
    assert all(-1e-6 <= p <= 400 + 1e-6 for p in places)
    step = min(LINE_HEIGHT, 400 / max(len(middles) - 1, 1))
    order = sorted(range(len(middles)), key=lambda n: middles[n])
    assert all(places[b] - places[a] >= step - 1e-6 for a, b in pairwise(order))


def test_spread_leaves_what_is_far_apart_where_it_is() -> None:
    assert spread([300, 10, 100], 0, 400) == [300, 10, 100]
    assert spread([10, 10], 0, 400) == [10, 26]


def test_chinese_takes_more_room_than_latin() -> None:
    assert text_width("线性分类头") > text_width("linea")
