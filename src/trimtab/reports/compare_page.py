"""A comparison as one web page. Knows nothing about files or how figures came about."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from trimtab.reports import charts, compare_charts
from trimtab.reports.choosing import BLIND, capital, chosen_way, in_a_sentence, p_text
from trimtab.reports.comparison import Comparison, Difference, Disagreement, Metric, Way
from trimtab.reports.findings.labels import bare_text, duration, interval_text, metric_text
from trimtab.reports.page import environment, flat_settings, size

DISAGREEMENTS_OPEN = 6
# R squared below which a way is not drawn beside others: on its scale nothing else could be told apart.
LOWEST_DRAWN = -0.5
RIGHT_ONES = {
    "label": "right label", "choice": "right option", "number": "right number", "tags": "right answer",
    "text": "answer in the data",
}  # fmt: skip
# Other metrics that have a column of the table; all of them stand in a list below it.
MOST_BESIDE = 2
KIND_NAMES = {"baseline": "no language model", "untrained": "untrained", "tuned": "tuned"}
_TESTS = {
    "McNemar": "McNemar’s exact test (for ways of one seed)",
    "permutation": "Fisher’s paired permutation test on squared errors (for ways of one seed)",
    "randomisation": "approximate randomisation (for ways of one seed)",
    "paired bootstrap": "a paired bootstrap over rows and seeds (for ways of several seeds)",
}
R_SQUARED = (
    "R² is the share of the variance of the right numbers that a way explains, higher is better: 100% is perfect, 0 no "
    "better than always giving their mean, below 0 worse. RMSE is the root mean squared error, lower is better."
)
_SENTENCE_ENDS = re.compile(r"(?<=[.。])\s+(?=[^\W\d_a-z])")


@dataclass(frozen=True)
class Column:
    """A column of figures.

    Attributes:
        name: its heading.
        about: what exactly it holds, for the list below the table.
        first: the order that the first click on it gives, the better figures on top.
        value: the figure of a way, or None where it was not measured.
        text: the figure as written.
    """

    name: str
    about: str
    first: str
    value: Callable[[Way], float | None]
    text: Callable[[float], str]


def render_comparison(comparison: Comparison) -> str:
    """Return the comparison as one self-contained HTML page: no request leaves it.

    Its one script sorts the table; without it the page is complete.
    """
    script = (Path(__file__).parent / "compare.js").read_text(encoding="utf-8")
    chosen = chosen_way(comparison)
    names = {way.key: way.name for way in comparison.ways}
    head = f"Choose {in_a_sentence(chosen)}" if chosen else ""
    headline, *rest = _SENTENCE_ENDS.split(comparison.choose.removeprefix(f"{head}:"), maxsplit=1)
    context: dict[str, Any] = {
        "c": comparison,
        "score_name": heading(comparison.metric.name),
        "score_first": "ascending" if comparison.metric.higher_is_better is False else "descending",
        "better_up": comparison.metric.higher_is_better is not False,
        "in_what": " in %" if comparison.metric.unit == "share" else "",
        "beside": [_metric_column(metric) for metric in comparison.others],
        "most_beside": MOST_BESIDE,
        "right_one": RIGHT_ONES[comparison.answer],
        "head": head,
        "headline": headline,
        "lead": rest[0] if rest else "",
        "chosen": chosen.key if chosen else "",
        "script": Markup(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "columns": _columns(comparison),
        "axis": _axis(_in_focus(comparison.ways), comparison.answer),
        "kind_names": KIND_NAMES,
        "difference": difference_text,
        "word": lambda difference: difference_word(difference, comparison.metric),
        "score": lambda share: metric_text(share, comparison.metric),
        "p_text": p_text,
        "not_drawn": [way for way in comparison.ways if way not in _in_focus(comparison.ways)],
        "plots": _plots(comparison, chosen),
        "curves": _curves(comparison, chosen),
        "curve_rows": sorted({rows for line in comparison.curves for rows, _, _ in line.points}),
        "disagreements": [(row, _said(row, names, comparison.metric)) for row in comparison.disagreements],
        "disagreements_open": DISAGREEMENTS_OPEN,
        "method": _method(comparison, names.get(comparison.reference, comparison.reference)),
        "several_seeds": any(len(way.seeds) > 1 for way in comparison.ways),
        "settings": list(flat_settings(comparison.settings)),
    }
    return environment().get_template("compare.html.j2").render(context)


def difference_text(difference: Difference) -> str:
    """Return a difference in points, with its sign: `+0.7`, `−2.1`, `0.0`."""
    points = f"{100 * difference.points:+.1f}".replace("-", "−")
    return "0.0" if points in ("+0.0", "−0.0") else points


def difference_word(difference: Difference, metric: Metric) -> str:
    """Return `no real difference`, `better` or `worse`."""
    if not difference.real:
        return "no real difference"
    return "better" if metric.goodness(difference.points) > 0 else "worse"


def heading(name: str) -> str:
    """Return a metric's name as it begins a heading: `Entity F1`, but `chrF`."""
    return name if any(letter.isupper() for letter in name.split(maxsplit=1)[0]) else capital(name)


def latency_text(seconds: float) -> str:
    """Return the time of a request as `0.8 ms`, `12 ms`, `1.4 s`."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1000 * seconds:.1f} ms" if seconds < 0.01 else f"{1000 * seconds:.0f} ms"


def money_text(amount: float) -> str:
    """Return an amount as `1,250.00`, `0.38`, `0.042`, `< 0.001`, `0`."""
    if 0 < amount < 0.001:
        return "< 0.001"
    return f"{amount:,.{3 if amount < 0.1 else 2}f}" if amount else "0"


def training_text(seconds: float) -> str:
    """Return the time that training took as `12 min`, `< 0.1 s`, or `none` where nothing was trained."""
    if 0 < seconds < 0.1:
        return "< 0.1 s"
    return duration(seconds) if seconds else "none"


def parameters_text(number: float) -> str:
    """Return a number of values as `0`, `11,520`, `134.5 M`."""
    return f"{number:,.0f}" if number < 1_000_000 else f"{number / 1_000_000:,.1f} M"


def _metric_column(metric: Metric) -> Column:
    """Return the column of a metric that stands beside the score; macro F1 and the like without percent signs."""
    first = "ascending" if metric.higher_is_better is False else "descending"
    name = metric.name

    def value(way: Way) -> float | None:
        return way.mean(name) if name in way.beside else None

    return Column(heading(name), metric.what or name, first, value, lambda found: bare_text(found, metric))


def _columns(comparison: Comparison) -> list[Column]:
    """Return the columns right of the difference; those that nothing was measured for are left out."""
    up, down = "ascending", "descending"
    in_money = f" {comparison.currency}" if comparison.currency else ""
    batch = "rows a second, answered in batches of 32"
    every = [
        Column("Trained", "values trained", up, lambda w: w.trained_parameters, parameters_text),
        Column("Training", "time to train one seed, choosing included", up, lambda w: w.train_seconds, training_text),
        Column("Memory", "peak memory in training", up, lambda w: w.peak_memory_bytes, size),
        Column("On disk", "what is kept of it", up, lambda w: w.bytes_on_disk, lambda n: size(n) if n else "0"),
        Column("Latency", "median time of one request answered alone", up, lambda w: w.latency_seconds, latency_text),
        Column("Rows/s", batch, down, lambda w: w.batch_rows_per_second, lambda n: f"{n:,.{0 if n >= 10 else 1}f}"),
        Column(f"Cost{in_money}", "of training one seed", up, lambda w: w.cost, money_text),
        Column(
            "Without prompt",
            f"{comparison.metric.name} left when the prompt is taken away",
            up if comparison.metric.higher_is_better is False else down,
            lambda w: w.without_prompt,
            lambda share: metric_text(share, comparison.metric),
        ),
    ]
    return [column for column in every if any(column.value(way) is not None for way in comparison.ways)]


def _in_focus(ways: Sequence[Way]) -> list[Way]:
    """Return the ways that the axes are made for.

    Left out are the majority label or the mean where that would take half of an axis, and numbers so far off that they
    explain less than nothing, where others are not.
    """
    ways = [way for way in ways if way.score >= LOWEST_DRAWN] or ways
    others = [way for way in ways if way.key not in BLIND]
    return others if others and _span(ways) > 2 * _span(others) else list(ways)


def _span(ways: Sequence[Way]) -> float:
    return max(way.interval.high for way in ways) - min(way.interval.low for way in ways)


def _axis(ways: Sequence[Way], answer: str) -> dict[str, Any]:
    """Return the round shares that the axis of scores starts and ends at, and those between."""
    marks = charts.ticks(min(way.interval.low for way in ways), max(way.interval.high for way in ways), 4)
    low, high = marks[0] if answer == "number" else max(marks[0], 0.0), min(marks[-1], 1.0)
    return {"low": low, "high": high, "marks": [mark for mark in marks if low <= mark <= high]}


def _plots(comparison: Comparison, chosen: Way | None) -> list[Markup]:
    """Return score against cost, wide and narrow; none where there is only one way to draw."""
    dots = [
        compare_charts.Dot(
            name=way.name,
            tip=f"{way.name}: {metric_text(way.score, comparison.metric)} ({interval_text(way.interval)}), training "
            f"{training_text(way.train_seconds)}",
            kind=way.kind,
            seconds=way.train_seconds,
            score=way.score,
            interval=way.interval,
            chosen=way is chosen,
        )
        for way in _in_focus(comparison.ways)
    ]
    if len(dots) < 2:
        return []
    title = f"{heading(comparison.metric.name)} over training time of {len(dots)} ways; the figures are in the table"
    widths = (compare_charts.WIDE, compare_charts.NARROW)
    sign = _sign(comparison.metric)
    return [Markup(compare_charts.score_against_cost(title, dots, width, sign)) for width in widths]


def _curves(comparison: Comparison, chosen: Way | None) -> list[Markup]:
    """Return the learning curves, wide and narrow; none where there are none. The chosen way's is the strong one."""
    lines = [
        compare_charts.Curve(line.name, line.points, chosen is not None and line.key == chosen.key)
        for line in comparison.curves
        if line.points
    ]
    if not lines:
        return []
    widths = (compare_charts.WIDE, compare_charts.NARROW)
    name = heading(comparison.metric.name)
    title = f"{name} over training rows of {len(lines)} ways; the figures are in the table below"
    sign = _sign(comparison.metric)
    return [Markup(compare_charts.learning_curves(title, lines, width, sign)) for width in widths]


def _sign(metric: Metric) -> str:
    return "%" if metric.unit == "share" else ""


def _said(row: Disagreement, names: dict[str, str], metric: Metric) -> list[tuple[str, list[str]]]:
    """Return (answer, the ways that give it with the score of the row, if it has one).

    The right answer comes first, then the better ones, or the one that most give.
    """
    by_label: dict[str, list[str]] = {}
    for key in row.answers:
        by_label.setdefault(row.answers[key], []).append(key)

    def order(item: tuple[str, list[str]]) -> tuple[bool, float, int]:
        label, keys = item
        return label != row.answer, -metric.goodness(row.scores.get(keys[0], 0.0)), -len(keys)

    def named(key: str) -> str:
        score = f" {metric_text(row.scores[key], metric)}" if key in row.scores else ""
        return names.get(key, key) + score

    return [(label, [named(key) for key in keys]) for label, keys in sorted(by_label.items(), key=order)]


def _defined(metrics: Sequence[Metric]) -> list[str]:
    """Return what each metric is, in one sentence."""
    listed = "; ".join(f"{heading(m.name)}: {m.what}" for m in metrics if m.what)
    low = [m.name for m in metrics if m.higher_is_better is False]
    return [f"{listed}." + (f" Of {' and '.join(low)}, lower is better." if low else "")] if listed else []


def _method(comparison: Comparison, reference: str) -> list[str]:
    """Return how the figures came about and how to read them, a sentence or two each."""
    compared = sum(way.difference is not None for way in comparison.ways)
    said = [
        f"All ways had the same training rows and were scored on the same {comparison.rows:,} {comparison.part} rows. "
        "Where a way was trained with several seeds, its scores are means over them.",
        *((R_SQUARED,) if comparison.answer == "number" else ()),
        *(_defined([comparison.metric, *comparison.others]) if comparison.answer in ("tags", "text") else ()),
        "The intervals are 95% bootstrap intervals over rows and, where there are several, over seeds.",
    ]
    if compared:
        tests = sorted({way.difference.test for way in comparison.ways if way.difference})
        named = " and ".join(_TESTS.get(test, test) for test in tests)
        corrected = f", after Holm’s correction for {compared} comparisons" if compared > 1 else ""
        said.append(
            f"Differences are to the reference, {reference}, row by row on the same rows. The p-values are of {named}"
            f"{corrected}. From 0.05 up, chance could explain the difference: no real difference was found, which does "
            "not show that there is none."
        )
    said.append(
        "Of the ways that are not known to be really worse than another, the cheapest is chosen: no language model "
        "before an untrained one before a tuned one, then by training time."
    )
    if comparison.part != "test":
        said.append("There is no test set. These are dev rows, which also served to choose: expect a little less.")
    if comparison.price_an_hour is not None:
        said.append(f"Cost is training time at {money_text(comparison.price_an_hour)} {comparison.currency} an hour.")
    return said
