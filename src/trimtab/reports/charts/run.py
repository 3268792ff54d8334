"""The charts of a run's report as SVG text, coloured by the page's CSS classes. Knows nothing about reports.

Every string from outside is escaped here, so a chart is safe to place in a page as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from trimtab.reports.charts.axes import Scale, ticks

WIDTH, HEIGHT = 380, 236
LEFT, RIGHT, TOP, BOTTOM = 42, 10, 12, 34
MOST_POINTS = 80
FEW_POINTS = 25
FEW_ROWS = 10
HISTOGRAM_HEIGHT = 58


@dataclass(frozen=True)
class Line:
    """One line of a chart: its name for the tool tip, its points (x rising), and whether it is the one to see."""

    name: str
    points: list[tuple[float, float]]
    strong: bool


def line_chart(title: str, lines: Sequence[Line], *, x_end: float, x_name: str, unit: str) -> str:
    """Draw lines over steps; returns "" where no line has a finite point.

    Args:
        title: read out by screen readers.
        lines: the lines; strong ones are drawn last, on top.
        x_end: where the x axis ends; it starts at 0.
        x_name: name of the x axis.
        unit: `%` shows y values, shares, as percentages; "" shows them as they are.
    """
    finite = [Line(line.name, [p for p in line.points if math.isfinite(p[1])], line.strong) for line in lines]
    shown = [line for line in finite if line.points]
    if not shown:
        return ""
    every = [point for line in shown for point in line.points]
    y_ticks = ticks(min(y for _, y in every), max(y for _, y in every), 4)
    x_ticks = [t for t in ticks(0, max(x_end, 1), 5) if t == int(t) and t <= max(x_end, 1)]
    x = Scale(0, max(x_end, 1), LEFT, WIDTH - RIGHT)
    y = Scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)
    body = [
        _y_axis(y, y_ticks, _percent if unit == "%" else "{:g}".format),
        _x_axis(x, x_ticks, lambda v: f"{v:,.0f}", x_name, HEIGHT),
    ]
    body += [_line(line, x, y) for line in sorted(shown, key=lambda line: line.strong)]
    return _svg(title, HEIGHT, body)


def calibration_chart(title: str, bins: Sequence[tuple[float, float, int]]) -> str:
    """Draw accuracy over confidence (reliability diagram), with the number of rows a bin below it.

    Args:
        title: read out by screen readers.
        bins: (mean confidence, accuracy, rows) of equal-width bins from 0 to 1.
    """
    base = HEIGHT + 20
    x, y = Scale(0, 1, LEFT, WIDTH - RIGHT), Scale(0, 1, base - BOTTOM, TOP)
    wide = (WIDTH - RIGHT - LEFT) / len(bins)
    quarters = [0, 0.25, 0.5, 0.75, 1]
    body = [_y_axis(y, quarters, _percent), f'<path class="ideal" d="M{x(0)} {y(0)}L{x(1)} {y(1)}"/>']
    floor = base - BOTTOM + 14 + HISTOGRAM_HEIGHT
    most = max((count for _, _, count in bins), default=1) or 1
    for m, (confidence, accuracy, count) in enumerate(bins):
        if not count:
            continue
        left = LEFT + m * wide + 1
        tip = f"{confidence:.1%} sure, {accuracy:.1%} right, {count:,} rows"
        high = max(count / most * HISTOGRAM_HEIGHT, 1)
        body.append(
            f"<g{' class=few' if count < FEW_ROWS else ''}><title>{tip}</title>"
            f'<rect class="bar" x="{left:.1f}" y="{y(accuracy):.1f}" width="{wide - 2:.1f}" '
            f'height="{max(y(0) - y(accuracy), 0.5):.1f}"/>'
            f'<path class="gap" d="M{x(confidence):.1f} {y(confidence):.1f}V{y(accuracy):.1f}"/>'
            f'<circle class="dot" cx="{x(confidence):.1f}" cy="{y(accuracy):.1f}" r="3.5"/>'
            f'<rect class="count" x="{left:.1f}" y="{floor - high:.1f}" width="{wide - 2:.1f}" height="{high:.1f}"/>'
            "</g>"
        )
    body.append(f'<path class="axis" d="M{LEFT} {floor}H{WIDTH - RIGHT}"/>')
    body.append(
        f'<text class="tick" x="{LEFT - 6}" y="{floor - HISTOGRAM_HEIGHT + 8}" text-anchor="end">{most:,}</text>'
    )
    body.append(f'<text class="tick" x="{LEFT - 6}" y="{floor}" text-anchor="end">rows</text>')
    body.append(_x_axis(x, quarters, _percent, "how sure it is", floor + BOTTOM))
    return _svg(title, int(floor + BOTTOM), body)


def coverage_chart(
    title: str, points: Sequence[tuple[float, float]], chosen: tuple[float, float] | None, most: float | None
) -> str:
    """Draw the share of answers that is wrong over the share of rows that is answered, the surest first.

    Args:
        title: read out by screen readers.
        points: (share answered, share of these that is wrong), rising in the first.
        chosen: where the run answers; None where it answers all rows.
        most: the share that may be wrong, drawn as a dashed line; None where nothing was asked for.
    """
    marks = ticks(0, max(0.01, *(risk for _, risk in points), most or 0), 4)
    x, y = Scale(0, 1, LEFT, WIDTH - RIGHT), Scale(0, marks[-1], HEIGHT - BOTTOM, TOP)
    body = [_y_axis(y, marks, _percent), _x_axis(x, [0, 0.25, 0.5, 0.75, 1], _percent, "rows answered", HEIGHT)]
    if most is not None:
        body.append(f'<path class="ideal" d="M{x(0)} {y(most):.1f}H{x(1)}"/>')
    path = "L".join(f"{x(coverage):.1f} {y(risk):.1f}" for coverage, risk in points)
    body.append(f'<g class="line strong"><path d="M{path}"/></g>')
    for coverage, risk in (chosen,) if chosen else ():
        tip = f"{coverage:.1%} answered, {risk:.1%} of these wrong"
        body.append(
            f'<circle class="dot" cx="{x(coverage):.1f}" cy="{y(risk):.1f}" r="4.5"><title>{tip}</title></circle>'
        )
    return _svg(title, HEIGHT, body)


def scatter_chart(title: str, points: Sequence[tuple[float, float]]) -> str:
    """Draw what was predicted over what is right, on axes alike, with the line on which they agree.

    Args:
        title: read out by screen readers.
        points: (right, predicted), finite.
    """
    every = [value for point in points for value in point]
    marks = ticks(min(every), max(every), 4)
    base = HEIGHT + 60
    x, y = Scale(marks[0], marks[-1], LEFT, WIDTH - RIGHT), Scale(marks[0], marks[-1], base - BOTTOM, TOP)
    low, high = marks[0], marks[-1]
    body = [
        _y_axis(y, marks, "{:g}".format),
        _x_axis(x, marks, "{:g}".format, "right (across), predicted (up)", base),
        f'<path class="ideal" d="M{x(low)} {y(low)}L{x(high)} {y(high)}"/>',
    ]
    for right, predicted in points:
        place = f'cx="{x(right):.1f}" cy="{y(predicted):.1f}"'
        tip = f"{right:g} → {predicted:.4g}"
        body.append(f'<circle class="dot" opacity=".5" {place} r="2.6"><title>{tip}</title></circle>')
    return _svg(title, base, body)


def confusion_map(title: str, confusion: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """Draw a confusion matrix of many classes as squares: a row an answer, a column a prediction."""
    size = len(labels)
    cells = []
    for a, row in enumerate(confusion):
        support = sum(row)
        for p, count in enumerate(row):
            if count:
                tip = escape(f"{labels[a]} → {labels[p]}: {count:,} of {support:,}")
                shade = 0.25 + 0.75 * math.sqrt(count / support)
                kind = "right" if a == p else "wrong"
                cells.append(
                    f'<rect class="{kind}" x="{p}" y="{a}" width="1" height="1" opacity="{shade:.2f}">'
                    f"<title>{tip}</title></rect>"
                )
    frame = f'<rect class="frame" x="0" y="0" width="{size}" height="{size}"/>'
    return (
        f'<svg class="map" viewBox="0 0 {size} {size}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{frame}{''.join(cells)}</svg>"
    )


def _line(line: Line, x: Scale, y: Scale) -> str:
    points = [(x(a), y(b)) for a, b in _thinned(line.points)]
    path = "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
    kind = "strong" if line.strong else "weak"
    marks = (
        "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.6"/>' for a, b in points) if len(points) <= FEW_POINTS else ""
    )
    return f'<g class="line {kind}"><title>{escape(line.name)}</title><path d="M{path}"/>{marks}</g>'


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most MOST_POINTS points, each the mean of its neighbours."""
    if len(points) <= MOST_POINTS:
        return points
    edges = [round(k * len(points) / MOST_POINTS) for k in range(MOST_POINTS + 1)]
    groups = [points[a:b] for a, b in pairwise(edges)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def _y_axis(y: Scale, values: Sequence[float], text: Callable[[float], str]) -> str:
    return "".join(
        f'<path class="grid" d="M{LEFT} {y(v):.1f}H{WIDTH - RIGHT}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{escape(text(v))}</text>'
        for v in values
    )


def _x_axis(x: Scale, values: Sequence[float], text: Callable[[float], str], name: str, height: float) -> str:
    marks = "".join(
        f'<text class="tick" x="{x(v):.1f}" y="{height - BOTTOM + 15:.1f}" text-anchor="{_anchor(x(v))}">'
        f"{escape(text(v))}</text>"
        for v in values
    )
    middle = (LEFT + WIDTH - RIGHT) / 2
    return f'{marks}<text class="name" x="{middle}" y="{height - 4:.1f}" text-anchor="middle">{escape(name)}</text>'


def _anchor(pixel: float) -> str:
    return "end" if pixel > WIDTH - RIGHT - 12 else "middle"


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"


def _svg(title: str, height: int, body: list[str]) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(body)}</svg>"
    )
