"""Where the labels of a chart go so that none hides another or a mark. Knows nothing about SVG or what is charted.

Lengths are pixels; y grows downwards.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FONT_SIZE = 12
LINE_HEIGHT = 16
FAR = 9.0
GRID = 11
STRIKES_THROUGH = 30.0
_NARROW, _WIDE = set("iljftr.,:;'|!()[]I1 -"), set("mwMWOQ@%")


@dataclass(frozen=True)
class Box:
    """A rectangle from (left, top) to (right, bottom)."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Whether the two share any area."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def within(self, other: Box) -> bool:
        """Whether this one lies inside the other."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )

    def distance(self, x: float, y: float) -> float:
        """Pixels from a point to the nearest edge; 0 inside."""
        return float((max(self.left - x, 0, x - self.right) ** 2 + max(self.top - y, 0, y - self.bottom) ** 2) ** 0.5)


@dataclass(frozen=True)
class Mark:
    """A thing to be labelled: its middle, its radius, the width of its label, and where a line through it ends."""

    x: float
    y: float
    radius: float
    width: float
    top: float
    bottom: float


def text_width(text: str) -> float:
    """Return the pixels a text takes at FONT_SIZE, rather too many than too few."""
    ems = 0.0
    for character in text:
        if unicodedata.east_asian_width(character) in "WF":
            ems += 1.03
        else:
            ems += 0.42 if character in _NARROW else 0.95 if character in _WIDE else 0.68
    return ems * FONT_SIZE


def place(marks: Sequence[Mark], area: Box) -> list[Box] | None:
    """Return a box for the text of every mark, inside the area, over no mark and no other text.

    A text stands beside its mark where it can, else as near as is free; lines through marks are kept clear where that
    costs little. None where the area does not hold them all.
    """
    dots = [Box(m.x - m.radius, m.y - m.radius, m.x + m.radius, m.y + m.radius) for m in marks]
    whiskers = [Box(m.x - 1, m.top, m.x + 1, m.bottom) for m in marks]
    boxes: dict[int, Box] = {}
    for n in sorted(range(len(marks)), key=lambda n: -_neighbours(marks[n], marks)):  # the crowded ones first
        taken = [*dots, *boxes.values()]
        best, least = None, float("inf")
        for box, cost in _candidates(marks[n], area):
            if cost >= least:
                if cost >= FAR:
                    break
                continue
            if not box.within(area) or any(box.overlaps(other) for other in taken):
                continue
            total = cost + STRIKES_THROUGH * sum(box.overlaps(whisker) for whisker in whiskers)
            if total < least:
                best, least = box, total
        if best is None:
            return None
        boxes[n] = best
    return [boxes[n] for n in range(len(marks))]


def spread(middles: Sequence[float], low: float, high: float, step: float = LINE_HEIGHT) -> list[float]:
    """Return places between low and high, `step` apart at least and in the order of the middles, near them.

    Where there is no room for all, they go evenly from low to high.
    """
    order = sorted(range(len(middles)), key=lambda n: middles[n])
    count = len(order)
    if not count:
        return []
    step = min(step, (high - low) / max(count - 1, 1))
    places: list[float] = []
    for k, n in enumerate(order):
        floor = places[-1] + step if places else low
        places.append(min(max(middles[n], floor), high - (count - 1 - k) * step))
    result = [0.0] * count
    for place_, n in zip(places, order, strict=True):
        result[n] = place_
    return result


def _neighbours(mark: Mark, marks: Sequence[Mark]) -> int:
    return sum(abs(mark.x - m.x) < 90 and abs(mark.y - m.y) < 2 * LINE_HEIGHT for m in marks)


def _candidates(mark: Mark, area: Box) -> Iterator[tuple[Box, float]]:
    """Yield boxes with what each costs: beside the mark, at its corners, then, by rising cost, anywhere."""
    wide, high, off = mark.width, LINE_HEIGHT, mark.radius + 4

    def box(left: float, top: float) -> Box:
        return Box(left, top, left + wide, top + high)

    yield box(mark.x + off, mark.y - high / 2), 0.0
    yield box(mark.x - off - wide, mark.y - high / 2), 1.0
    yield box(mark.x - wide / 2, mark.y - off - high), 2.0
    yield box(mark.x - wide / 2, mark.y + off), 2.0
    for left, extra in ((mark.x + off, 4.0), (mark.x - off - wide, 5.0)):
        for shift in (0.35, 0.7):
            yield box(left, mark.y - high / 2 - high * shift), extra + shift
            yield box(left, mark.y - high / 2 + high * shift), extra + shift
    lefts = [area.left + GRID * k for k in range(int((area.right - area.left - wide) / GRID) + 1)]
    tops = [area.top + GRID / 2 * k for k in range(int((area.bottom - area.top - high) / (GRID / 2)) + 1)]
    anywhere = [box(left, top) for left in lefts for top in tops]
    yield from sorted(((free, FAR + free.distance(mark.x, mark.y)) for free in anywhere), key=lambda pair: pair[1])
