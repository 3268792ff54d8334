"""A comparison as one web page. Knows nothing about files or how figures came about."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from trimtab.evaluation.metrics.metric import Metric
from trimtab.reports.charts import comparison as charts
from trimtab.reports.charts.axes import ticks
from trimtab.reports.choosing import WIDEST_GAP, chosen_way, in_a_sentence
from trimtab.reports.comparison import Comparison, Difference, Disagreement, Way
from trimtab.reports.environment import TEMPLATES, environment
from trimtab.reports.format import (
    bare_text,
    difference_size,
    difference_text,
    flat_settings,
    heading,
    interval_text,
    latency_text,
    metric_text,
    money_text,
    p_text,
    parameters_text,
    size,
    training_text,
)
from trimtab.reports.places import without_places

DISAGREEMENTS_OPEN = 6
# Score below which a way is not drawn beside others: on its scale nothing else could be told apart.
LOWEST_DRAWN = -0.5
# Other metrics that have a column of the table; all of them stand in a list below it.
MOST_BESIDE = 2
KIND_NAMES = {"baseline": "no language model", "untrained": "untrained", "tuned": "tuned"}
_TESTS = {
    "McNemar": "McNemar’s test (for ways of one seed)",
    "permutation": "Fisher’s paired permutation test on squared errors (for ways of one seed)",
    "randomisation": "approximate randomisation (for ways of one seed)",
    "sign flips over rows and seeds": "sign flips of rows, with seeds drawn too (for ways of several seeds)",
    "sign flips of groups": "sign flips of whole groups of rows (for ways of one seed)",
    "paired bootstrap": "a paired bootstrap over rows and seeds (for ways of several seeds)",
}
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
    comparison = without_places(comparison)
    script = (TEMPLATES / "compare.js").read_text(encoding="utf-8")
    chosen = chosen_way(comparison)
    names = {way.key: way.name for way in comparison.ways}
    head = f"Choose {in_a_sentence(chosen.name)}" if chosen else ""
    headline, *rest = _SENTENCE_ENDS.split(comparison.choose.removeprefix(f"{head}:"), maxsplit=1)
    context: dict[str, Any] = {
        "c": comparison,
        "score_name": heading(comparison.metric.name),
        "score_first": "ascending" if comparison.metric.higher_is_better is False else "descending",
        "better_up": comparison.metric.higher_is_better is not False,
        "in_what": " in %" if comparison.metric.unit == "share" else "",
        "beside": [_metric_column(metric) for metric in comparison.others],
        "most_beside": MOST_BESIDE,
        "head": head,
        "headline": headline,
        "lead": rest[0] if rest else "",
        "chosen": chosen.key if chosen else "",
        "script": Markup(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "columns": _columns(comparison),
        "axis": _axis(_in_focus(comparison.ways)),
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


def difference_word(difference: Difference, metric: Metric) -> str:
    """Return `no real difference`, `better` or `worse`."""
    if not difference.real:
        return "no real difference"
    return "better" if metric.goodness(difference.points) > 0 else "worse"


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

    Left out are ways that give the same to every row where that would take half of an axis, and those that reach far
    less than nothing, where others do not.
    """
    ways = [way for way in ways if way.score >= LOWEST_DRAWN] or ways
    others = [way for way in ways if not way.always]
    return others if others and _span(ways) > 2 * _span(others) else list(ways)


def _span(ways: Sequence[Way]) -> float:
    return max(way.interval.high for way in ways) - min(way.interval.low for way in ways)


def _axis(ways: Sequence[Way]) -> dict[str, Any]:
    """Return the round shares that the axis of scores starts and ends at, and those between."""
    least = min(way.interval.low for way in ways)
    marks = ticks(least, max(way.interval.high for way in ways), 4)
    low, high = marks[0] if least < 0 else max(marks[0], 0.0), min(marks[-1], 1.0)
    return {"low": low, "high": high, "marks": [mark for mark in marks if low <= mark <= high]}


def _plots(comparison: Comparison, chosen: Way | None) -> list[Markup]:
    """Return score against cost, wide and narrow; none where there is only one way to draw."""
    dots = [
        charts.Dot(
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
    widths = (charts.WIDE, charts.NARROW)
    sign = _sign(comparison.metric)
    return [Markup(charts.score_against_cost(title, dots, width, sign)) for width in widths]


def _curves(comparison: Comparison, chosen: Way | None) -> list[Markup]:
    """Return the learning curves, wide and narrow; none where there are none. The chosen way's is the strong one."""
    lines = [
        charts.Curve(line.name, line.points, chosen is not None and line.key == chosen.key)
        for line in comparison.curves
        if line.points
    ]
    if not lines:
        return []
    widths = (charts.WIDE, charts.NARROW)
    name = heading(comparison.metric.name)
    title = f"{name} over training rows of {len(lines)} ways; the figures are in the table below"
    sign = _sign(comparison.metric)
    return [Markup(charts.learning_curves(title, lines, width, sign)) for width in widths]


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


def _method(comparison: Comparison, reference: str) -> list[str]:
    """Return how the figures came about and how to read them, a sentence or two each."""
    compared = sum(way.difference is not None for way in comparison.ways)
    said = [
        f"All ways had the same training rows and were scored on the same {comparison.rows:,} {comparison.split} rows. "
        "Where a way was trained with several seeds, its scores are means over them.",
        *([comparison.wording.reading] if comparison.wording.reading else []),
        "The intervals of scores are 95% intervals over rows (whole groups of them, where data.group names any) and, "
        "where there are several, over seeds. A way of one seed has the luck of that seed: another could do otherwise.",
    ]
    if compared:
        tests = sorted({way.difference.test for way in comparison.ways if way.difference})
        named = " and ".join(_TESTS.get(test, test) for test in tests)
        pairs = len(comparison.ways) * (len(comparison.ways) - 1) // 2
        corrected = f", corrected for all {pairs} pairs of ways" if pairs > 1 else ""
        if comparison.luck is None and compared > 1:  # as an older Trimtab corrected
            corrected = f", after Holm’s correction for {compared} comparisons"
        said.append(
            f"Differences are to the reference, {reference}, row by row on the same rows. The p-values are of {named}"
            f"{corrected}. From 0.05 up, chance could explain the difference: no real difference was found, which does "
            "not show that there is none."
        )
    if comparison.luck is not None and compared:
        said.append(
            "Which way is the best was seen on these very rows. The p-values and the intervals of differences allow "
            "for that: over all that is said here, the chance of one false “better” or “worse” is 5%. The score of the "
            f"best itself is likely to be too high, by about {difference_size(comparison.luck, comparison.metric)}."
        )
    said.append(
        "Out are the ways that are known to be really worse than another, those that were not tested against the best, "
        f"and those more than {100 * WIDEST_GAP:.0f} points below it. Of the others the cheapest is chosen: no "
        "language model before an untrained one before a tuned one, then by training time; of those that train for as "
        "long but for noise, the best on dev. So the scores shown here take part in the choice."
    )
    if comparison.split != "test":
        said.append("There is no test set. These are dev rows, which also served to choose: expect a little less.")
    if comparison.price_an_hour is not None:
        said.append(f"Cost is training time at {money_text(comparison.price_an_hour)} {comparison.currency} an hour.")
    return said
