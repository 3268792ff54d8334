"""A report as a web page. Knows nothing about files, kinds of answer or how figures came about."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from trimtab.reports.charts import run as charts
from trimtab.reports.charts.axes import ticks
from trimtab.reports.environment import environment
from trimtab.reports.findings.choose import findings_of
from trimtab.reports.findings.findings import Findings, Result
from trimtab.reports.findings.limits import limits
from trimtab.reports.findings.slices import score_heading, slice_tables, slices_sentence
from trimtab.reports.findings.verdict import is_chance
from trimtab.reports.format import flat_settings, heading
from trimtab.reports.places import without_places
from trimtab.reports.run_report import RunReport

MISTAKES_OPEN = 8


def render_page(report: RunReport) -> str:
    """Return the report as one self-contained HTML page: no request leaves it, and no script runs in it."""
    report = without_places(report)
    findings = findings_of(report.scored)
    context: dict[str, Any] = {
        **findings.context(),
        "report": report,
        "headline": findings.headline,
        "beside": findings.beside(),
        "sections": findings.template,
        "rivals": findings.rivals(),
        "untold": any(is_chance(rival) for rival in findings.rivals()[:1]),
        "verdict": findings.verdict(),
        "told": findings.told(),
        "slices_sentence": slices_sentence(report.slices),
        "slice_tables": slice_tables(report.slices),
        "slice_score": heading(score_heading(report.slices)) if report.slices else "",
        "limits": limits(report, findings),
        "settings": list(flat_settings(report.settings)),
        "curves": _curves(report, findings),
        "dev_score": findings.dev_score,
        "standing": _standing(report, findings),
        "mistakes_open": MISTAKES_OPEN,
    }
    return environment().get_template("report.html.j2").render(context)


def _standing(report: RunReport, findings: Findings) -> dict[str, Any] | None:
    """Return the rows of the plot of all ways, the best first, and what its axis spans; None without scores."""
    results = findings.results()
    if not results:
        return None
    tuned = "tuned " if report.method.trained_parameters else ""
    ours = replace(results[0], name=f"{tuned}{report.method.name}", seconds=report.cost.train_seconds)
    rows = sorted([ours, *results[1:]], key=lambda row: -row.goodness)
    axis = findings.axis
    ends = [end for row in rows for end in _ends(row)]
    marks = ticks(max(min(ends), 0), min(max(ends), axis.highest), 4)
    low, high = max(marks[0], 0.0), min(marks[-1], axis.highest)
    return {
        "ours": ours,
        "rows": rows,
        "low": low,
        "high": high,
        "marks": [(m, f"{axis.written_times * m:g}") for m in marks if low <= m <= high],
        "what": axis.name,
    }


def _ends(row: Result) -> tuple[float, float]:
    return (row.interval.low, row.interval.high) if row.interval else (row.value, row.value)


def _curves(report: RunReport, findings: Findings) -> dict[str, Markup]:
    """Return the charts of loss and score on dev by title, one line a run; none where nothing was recorded."""
    kept = {run.seed for run in report.runs if run.kept} or {point.seed for point in report.curve}
    losses, scores = defaultdict(list), defaultdict(list)
    for point in report.curve:
        losses[point.seed].append((float(point.step), point.loss))
        if point.dev_score is not None:
            scores[point.seed].append((float(point.step), point.dev_score))

    def chart(title: str, points: dict[int, list[tuple[float, float]]], unit: str) -> Markup:
        lines = [charts.Line(f"seed {seed}", of_seed, seed in kept) for seed, of_seed in sorted(points.items())]
        last = max((point.step for point in report.curve), default=0)
        return Markup(charts.line_chart(title, lines, x_end=last, x_name="step", unit=unit))

    judged = findings.dev_score.title
    drawn = {"Training loss": chart("Training loss", losses, ""), judged: chart(judged, scores, "%")}
    return {title: svg for title, svg in drawn.items() if svg}
