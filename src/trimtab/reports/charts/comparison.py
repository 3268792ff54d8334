"""The charts of a comparison as SVG text: score against cost, learning curves. Knows nothing about pages.

Every string from outside is escaped here. Lengths are pixels at the chart's own width: a chart is drawn once wide and
once narrow, so that its text stays legible on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.text.words import CJK_SHARE, cjk_share
from trimtab.reports.charts.axes import Scale, ticks
from trimtab.reports.charts.label_places import FONT_SIZE, LINE_HEIGHT, Box, Mark, place, spread, text_width

WIDE, NARROW = 860, 356
LEFT, RIGHT, TOP, BOTTOM = 50, 14, 14, 46
RADIUS = 5.5
LEAST_SECONDS = 0.01
TIMES = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36_000.0, 360_000.0, 3_600_000.0)
TIME_NAMES = ("0.01 s", "0.1 s", "1 s", "10 s", "1 min", "10 min", "1 h", "10 h", "100 h", "1000 h")
LONGEST_LABEL = {WIDE: 34, NARROW: 18}
# How many colours, dashes and shapes of marks lines have, round after round.
COLOURS, DASHES, MARKS = 8, 4, 3


@dataclass(frozen=True)
class Dot:
    """A way in the chart of score against cost; `tip` is shown on hovering."""

    name: str
    tip: str
    kind: str
    seconds: float
    score: float
    interval: Interval
    chosen: bool


@dataclass(frozen=True)
class Curve:
    """A learning curve: (training rows, score, 95% interval) by rising rows; `strong` is the one to see."""

    name: str
    points: Sequence[tuple[int, float, Interval]]
    strong: bool


def score_against_cost(title: str, dots: Sequence[Dot], width: int, sign: str = "%") -> str:
    """Draw scores over seconds of training, which lie on a log axis; what takes none has a place of its own at left.

    Args:
        title: read out by screen readers.
        dots: at least one.
        width: WIDE or NARROW; the height follows from how much room the labels need.
        sign: what stands behind a score.
    """
    names = [_short(dot.name, LONGEST_LABEL[width]) for dot in dots]
    widths = [_label_width(name, dot.chosen) for name, dot in zip(names, dots, strict=True)]
    height, places = (420 if width == WIDE else 380), None
    while places is None:
        x, y, y_ticks = _cost_axes(dots, width, height)
        marks = [
            Mark(x(d.seconds), y(d.score), RADIUS + 1, width_, y(d.interval.high), y(d.interval.low))
            for d, width_ in zip(dots, widths, strict=True)
        ]
        places = place(marks, Box(LEFT + 2, 2, width - 2, height - BOTTOM - 2))
        height += 0 if places else 80
    body = [_y_axis(y, y_ticks, width - RIGHT, sign), _time_axis(x, width, height)]
    order = sorted(range(len(dots)), key=lambda n: dots[n].chosen)
    body += [_leader(marks[n], places[n]) for n in order]
    body += [_dot(dots[n], marks[n]) for n in order]
    body += [_placed_label(dots[n], names[n], marks[n], places[n]) for n in order]
    return _svg(title, width, height, body)


def learning_curves(title: str, curves: Sequence[Curve], width: int, sign: str = "%") -> str:
    """Draw scores over training rows, which lie on a log axis; each line is named at its right end.

    Lines have dashes and marks of their own, and the strong one lies below the others, unbroken and wider, so that all
    are seen where they lie on one another.

    Args:
        title: read out by screen readers.
        curves: at least one, each with at least one point.
        width: WIDE or NARROW.
        sign: what stands behind a score.
    """
    names = [_short(curve.name, LONGEST_LABEL[width]) for curve in curves]
    right = width - max(_label_width(name, c.strong) for name, c in zip(names, curves, strict=True)) - 12
    height = max(340, TOP + BOTTOM + LINE_HEIGHT * len(curves))
    every = [point for curve in curves for point in curve.points]
    y_ticks = _shares([(interval.low, interval.high) for _, _, interval in every])
    y = Scale(y_ticks[0], y_ticks[-1], height - BOTTOM, TOP)
    rows = sorted({n for n, _, _ in every})
    low, high = (rows[0], rows[-1]) if len(rows) > 1 else (rows[0] / 2, rows[0] * 2)
    log = Scale(math.log(low), math.log(high), LEFT + 10, right - 10)
    body = [_y_axis(y, y_ticks, right, sign), _rows_axis(rows, log, right, height)]
    ends = [(log(math.log(c.points[-1][0])), y(c.points[-1][1])) for c in curves]
    middles = spread([end for _, end in ends], TOP, height - BOTTOM)
    unbroken = next((n for n, curve in enumerate(curves) if curve.strong), 0)
    for n in sorted(range(len(curves)), key=lambda n: not curves[n].strong):
        (from_x, from_y), to_y = ends[n], middles[n]
        dashes = (n - unbroken + n // COLOURS - unbroken // COLOURS) % DASHES  # each time others with a colour
        body.append(f'<g class="curve c{n % COLOURS}{" strong" if curves[n].strong else ""} d{dashes}">')
        body.append(_curve(curves[n], log, y, sign, n % MARKS))
        body.append(f'<path class="leader" d="M{from_x + 5:.1f} {from_y:.1f}L{right + 6:.1f} {to_y:.1f}"/>')
        body.append(_label(names[n], right + 10, to_y + FONT_SIZE * 0.35, curves[n].name, curves[n].strong))
        body.append("</g>")
    return _svg(title, width, height, body)


@dataclass(frozen=True)
class _TimeScale:
    """Seconds to pixels: a log axis, and left of it a place for what takes no training."""

    log: Scale | None
    none_at: float | None
    exact_none: bool
    times: Sequence[float]

    def __call__(self, seconds: float) -> float:
        if seconds < LEAST_SECONDS:
            assert self.none_at is not None
            return self.none_at
        assert self.log is not None
        return self.log(math.log(seconds))


def _cost_axes(dots: Sequence[Dot], width: int, height: int) -> tuple[_TimeScale, Scale, list[float]]:
    y_ticks = _shares([(dot.interval.low, dot.interval.high) for dot in dots])
    y = Scale(y_ticks[0], y_ticks[-1], height - BOTTOM, TOP)
    untrained = [dot.seconds for dot in dots if dot.seconds < LEAST_SECONDS]
    trained = [dot.seconds for dot in dots if dot.seconds >= LEAST_SECONDS]
    band = (84 if width == WIDE else 58) if untrained else 0
    log, times = None, []
    if trained:
        first = max(n for n, time in enumerate(TIMES) if time <= min(trained))
        last = next((n for n, time in enumerate(TIMES) if time >= max(trained)), len(TIMES) - 1)
        last = max(last, first + 1) if first + 1 < len(TIMES) else last
        times = list(TIMES[min(first, last - 1) : last + 1])
        log = Scale(math.log(times[0]), math.log(times[-1]), LEFT + band + 12, width - RIGHT - 12)
    middle = LEFT + (band / 2 if trained else (width - RIGHT - LEFT) / 2)
    scale = _TimeScale(log, middle if untrained else None, not any(untrained), times)
    return scale, y, y_ticks


def _time_axis(x: _TimeScale, width: int, height: int) -> str:
    floor, parts = height - BOTTOM, []
    last = -math.inf
    for seconds in x.times:
        at, name = x(seconds), TIME_NAMES[TIMES.index(seconds)]
        parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{floor}"/>')
        if at - last > text_width(name) + 4:
            parts.append(f'<text class="tick" x="{at:.1f}" y="{floor + 17}" text-anchor="middle">{name}</text>')
            last = at
    if x.none_at is not None:
        name = "none" if x.exact_none else "&lt; 0.01 s"
        parts.append(f'<text class="tick" x="{x.none_at:.1f}" y="{floor + 17}" text-anchor="middle">{name}</text>')
        if x.log:
            edge = x.log.start - 12
            parts.append(f'<path class="break" d="M{edge:.1f} {TOP}V{floor}"/>')
    parts.append(_axis_name("training time, one seed", (LEFT + width - RIGHT) / 2, height))
    return "".join(parts)


def _rows_axis(rows: Sequence[int], log: Scale, right: float, height: int) -> str:
    floor, parts, last = height - BOTTOM, [], -math.inf
    for n in rows:
        at, name = log(math.log(n)), f"{n:,}"
        parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{floor}"/>')
        if at - last > text_width(name) + 4:
            parts.append(f'<text class="tick" x="{at:.1f}" y="{floor + 17}" text-anchor="middle">{name}</text>')
            last = at
    return "".join(parts) + _axis_name("training rows", (LEFT + right) / 2, height)


def _y_axis(y: Scale, values: Sequence[float], right: float, sign: str) -> str:
    return "".join(
        f'<path class="grid" d="M{LEFT} {y(v):.1f}H{right:.1f}"/>'
        f'<text class="tick" x="{LEFT - 7}" y="{y(v) + 4:.1f}" text-anchor="end">{100 * v:.4g}{sign}</text>'
        for v in values
    )


def _shares(intervals: Sequence[tuple[float, float]]) -> list[float]:
    """Return round shares that span the intervals, none above 1, and none below 0 unless they reach there."""
    low, high = min(a for a, _ in intervals), max(b for _, b in intervals)
    marks = [mark for mark in ticks(low, min(high, 1.0), 5) if mark <= 1 and (mark >= 0 or low < 0)]
    return marks if len(marks) > 1 else [0.0, 0.5, 1.0]


def _dot(dot: Dot, mark: Mark) -> str:
    x, y, r = mark.x, mark.y, RADIUS
    match dot.kind:
        case "baseline":
            shape = f'<rect x="{x - r + 0.5:.1f}" y="{y - r + 0.5:.1f}" width="{2 * r - 1}" height="{2 * r - 1}"/>'
        case "untrained":
            shape = f'<path d="M{x:.1f} {y - r - 1:.1f}l{r + 1} {r + 1}l{-r - 1} {r + 1}l{-r - 1} {-r - 1}z"/>'
        case _:
            shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>'
    return (
        f'<g class="way {escape(dot.kind)}{" chosen" if dot.chosen else ""}"><title>{escape(dot.tip)}</title>'
        f'<path class="whisker" d="M{x:.1f} {mark.top:.1f}V{mark.bottom:.1f}"/>{shape}</g>'
    )


def _leader(mark: Mark, box: Box) -> str:
    """Draw a thin line from a mark to its label where the label could not stand beside it."""
    if box.distance(mark.x, mark.y) <= mark.radius + 6:
        return ""
    x, y = min(max(mark.x, box.left), box.right), min(max(mark.y, box.top + 3), box.bottom - 3)
    return f'<path class="leader" d="M{mark.x:.1f} {mark.y:.1f}L{x:.1f} {y:.1f}"/>'


def _placed_label(dot: Dot, name: str, mark: Mark, box: Box) -> str:
    """Write a label into its box, flush with the side that faces the mark."""
    baseline = (box.top + box.bottom) / 2 + FONT_SIZE * 0.35
    if box.left > mark.x:
        return _label(name, box.left, baseline, dot.name, dot.chosen)
    if box.right < mark.x:
        return _label(name, box.right, baseline, dot.name, dot.chosen, anchor="end")
    return _label(name, (box.left + box.right) / 2, baseline, dot.name, dot.chosen, anchor="middle")


def _label_width(text: str, strong: bool) -> float:
    return text_width(text) * (1.12 if strong else 1)


def _curve(curve: Curve, x: Scale, y: Scale, sign: str, shape: int) -> str:
    path = "L".join(f"{x(math.log(n)):.1f} {y(share):.1f}" for n, share, _ in curve.points)
    marks = "".join(
        f"<g><title>{escape(curve.name)}: {100 * share:.1f}{sign} from {n:,} rows "
        f"(95%: {100 * interval.low:.1f} to {100 * interval.high:.1f})</title>"
        f'<path class="whisker" d="M{x(math.log(n)):.1f} {y(interval.high):.1f}V{y(interval.low):.1f}"/>'
        f"{_point(x(math.log(n)), y(share), shape)}</g>"
        for n, share, interval in curve.points
    )
    return f'<path class="path" d="M{path}"/>{marks}'


def _point(x: float, y: float, shape: int) -> str:
    """A mark of one of the shapes: a circle, a square, a diamond."""
    if shape == 0:
        return f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>'
    if shape == 1:
        return f'<rect class="point" x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6"/>'
    return f'<path class="point" d="M{x:.1f} {y - 4.2:.1f}l4.2 4.2l-4.2 4.2l-4.2 -4.2z"/>'


def _label(text: str, x: float, baseline: float, whole: str, strong: bool, *, anchor: str = "start") -> str:
    lang = ' lang="zh"' if cjk_share([whole]) >= CJK_SHARE else ""
    return (
        f'<text class="label{" chosen" if strong else ""}" x="{x:.1f}" y="{baseline:.1f}" text-anchor="{anchor}"{lang}>'
        f"<title>{escape(whole)}</title>{escape(text)}</text>"
    )


def _axis_name(name: str, middle: float, height: int) -> str:
    return f'<text class="name" x="{middle:.1f}" y="{height - 6}" text-anchor="middle">{escape(name)}</text>'


def _short(name: str, longest: int) -> str:
    """Return a name cut to a number of Latin characters, a Chinese one counting as two."""
    if text_width(name) <= longest * 0.68 * FONT_SIZE:
        return name
    while text_width(name + "…") > longest * 0.68 * FONT_SIZE:
        name = name[:-1]
    return name.rstrip() + "…"


def _svg(title: str, width: int, height: int, body: list[str]) -> str:
    kind = "wide" if width == WIDE else "narrow"
    return (
        f'<svg class="compared {kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(body)}</svg>"
    )
