"""A report as a table for a terminal. Knows nothing about kinds of answer or how figures came about; prints nothing."""

from __future__ import annotations

from statistics import mean, stdev

from rich.table import Table
from rich.text import Text

from trimtab.cli.terminal import bold
from trimtab.reports.findings.findings import Findings, Result
from trimtab.reports.findings.slices import score_heading, slice_tables
from trimtab.reports.format import p_cell
from trimtab.reports.run_report import RunReport


def report_table(report: RunReport, findings: Findings) -> Table | None:
    """The run beside the baselines, the best last; None where nothing was scored."""
    if (headline := findings.headline) is None:
        return None
    run, *baselines = findings.results()
    table = Table(title=f"{report.name}: {headline.rows:,} {headline.split} rows", title_justify="left")
    table.add_column("method", min_width=11)
    metric, *others = findings.columns
    for column in (metric, "95% interval", *others, "p", "trained", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in sorted([*baselines, run], key=lambda row: row.goodness):
        table.add_row(*(_of_run(report, row) if row is run else _of_baseline(row)))
    return table


def slices_tables(report: RunReport) -> list[Table]:
    """The scores of the parts that columns of the data divide the rows into, a table a column."""
    if report.slices is None:
        return []
    made = []
    for own in (table for table in slice_tables(report.slices) if table.own):
        table = Table()
        table.add_column(own.title)
        for column in ("rows", score_heading(report.slices), "95% interval", "p"):
            table.add_column(column, justify="right", no_wrap=True)
        for row in own.rows:
            cells = [row.name or "(empty)", row.rows, row.score, row.interval, row.p]
            table.add_row(*(bold(cell) if row.worse else cell for cell in cells))
        made.append(table)
    return made


def seeds_line(report: RunReport, findings: Findings) -> str:
    """How far several seeds differ on dev, or ""."""
    reached = [run.dev_score for run in report.runs if run.dev_score is not None]
    if len(reached) < 2:
        return ""
    spread = f"{100 * mean(reached):.1f} ± {100 * stdev(reached):.1f}%"
    return f"{len(reached)} seeds on dev: {spread}{findings.dev_score.of_several}"


def _of_run(report: RunReport, run: Result) -> list[str | Text]:
    trained, seconds = f"{report.method.trained_parameters:,}", _seconds(report.cost.train_seconds, 0)
    return [bold(report.method.name), bold(run.text), run.interval_text, *run.others, "", trained, seconds]


def _of_baseline(other: Result) -> list[str]:
    figures = [other.text, other.interval_text, *other.others]
    return [other.name, *figures, p_cell(other.p_value), "", _seconds(other.seconds, 1)]


def _seconds(seconds: float | None, digits: int) -> str:
    return "" if seconds is None else f"{seconds:.{digits}f}"
