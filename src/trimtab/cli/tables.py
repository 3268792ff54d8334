"""A report as a table for a terminal. Knows nothing about how figures came about; prints nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, stdev

from rich.table import Table

from trimtab.evaluation.scores.tags import TagScores
from trimtab.evaluation.scores.texts import Figure
from trimtab.reports.findings import numbers as number_findings
from trimtab.reports.findings import tags as tag_findings
from trimtab.reports.findings import texts as written_findings
from trimtab.reports.findings.labels import headline_scores, interval_text, percent
from trimtab.reports.run_report import RunReport, TagBaseline, TagReport, WrittenReport

# Figures beside the headline that fit into a line of a terminal.
MOST_FIGURES = 2


def report_table(report: RunReport) -> Table | None:
    """The run beside the baselines, the best last; None where nothing was scored."""
    if report.tags:
        return _of_tags(report, report.tags)
    if report.written:
        return _of_texts(report, report.written)
    return _of_numbers(report) if report.number else _of_labels(report)


def seeds_line(report: RunReport) -> str:
    """How far several seeds differ on dev, or ""."""
    reached = [run.dev_accuracy for run in report.runs if run.dev_accuracy is not None]
    if len(reached) < 2:
        return ""
    of = " of the variance" if report.number else " F1" if report.tags else ""
    of = ", mean probability of a token" if report.written else of
    return f"{len(reached)} seeds on dev: {100 * mean(reached):.1f} ± {100 * stdev(reached):.1f}%{of}"


def _of_labels(report: RunReport) -> Table | None:
    head = headline_scores(report)
    if head is None:
        return None
    part, scores = head
    table = _table(report, f"{scores.rows:,} {part} rows", ("accuracy", "95% interval", "F1", "p"))
    rows = [
        (b.accuracy, [b.name, percent(b.accuracy), interval_text(b.interval), "", _p_value(b.p_value), "",
                      _seconds(b.seconds, 1)])
        for b in report.baselines
    ]  # fmt: skip
    f1 = percent(scores.macro_f1) if report.answer == "label" else ""
    own = [f"[bold]{percent(scores.accuracy)}[/bold]", interval_text(scores.intervals["accuracy"]), f1, ""]
    rows.append((scores.accuracy, _own(report, own)))
    for _, cells in sorted(rows, key=lambda row: row[0]):
        table.add_row(*cells)
    return table


def _of_numbers(report: RunReport) -> Table | None:
    head = number_findings.headline(report.number) if report.number else None
    if head is None or report.number is None:
        return None
    plain, between = number_findings.plain, number_findings.between
    part, scores = head
    columns = ("RMSE", "95% interval", "MAE", "Pearson", "Spearman", "p")
    table = _table(report, f"{scores.rows:,} {part} rows", columns)
    rows = [
        (b.rmse, [b.name, plain(b.rmse), between(b.interval), plain(b.mae), plain(b.pearson), plain(b.spearman),
                  _p_value(b.p_value), "", _seconds(b.seconds, 1)])
        for b in report.number.baselines
    ]  # fmt: skip
    own = [f"[bold]{plain(scores.rmse)}[/bold]", between(scores.intervals["rmse"]), plain(scores.mae),
           plain(scores.pearson), plain(scores.spearman), ""]  # fmt: skip
    rows.append((scores.rmse, _own(report, own)))
    for _, cells in sorted(rows, key=lambda row: -row[0]):
        table.add_row(*cells)
    return table


def _of_tags(report: RunReport, tags: TagReport) -> Table | None:
    head = tag_findings.headline(tags)
    if head is None:
        return None
    part, scores = head
    columns = ("accuracy",) if scores.plain else ("F1", "precision", "recall")
    table = _table(report, f"{scores.rows:,} {part} rows", (columns[0], "95% interval", *columns[1:], "macro F1", "p"))

    def cells(of: TagScores | TagBaseline) -> list[str]:
        return [] if scores.plain else [percent(of.precision), percent(of.recall)]

    rows = [
        (b.f1, [b.name, percent(b.f1), interval_text(b.interval), *cells(b), percent(b.macro_f1), _p_value(b.p_value),
                "", _seconds(b.seconds, 1)])
        for b in tags.baselines
    ]  # fmt: skip
    own = [f"[bold]{percent(scores.f1)}[/bold]", interval_text(scores.intervals["f1"]), *cells(scores)]
    rows.append((scores.f1, _own(report, [*own, percent(scores.macro_f1), ""])))
    for _, row in sorted(rows, key=lambda row: row[0]):
        table.add_row(*row)
    return table


def _of_texts(report: RunReport, written: WrittenReport) -> Table | None:
    head = written_findings.headline(written)
    if head is None:
        return None
    part, scores = head
    figure, *others = scores.figures
    columns = (figure.name, "95% interval", *(other.name for other in others[:MOST_FIGURES]), "p")
    table = _table(report, f"{scores.rows:,} {part} rows", columns)

    def cells(figures: Sequence[Figure]) -> list[str]:
        own = [written_findings.figure_text(other) for other in figures[1 : 1 + MOST_FIGURES]]
        return [written_findings.interval_text(figures[0]), *own]

    for b in reversed(written_findings.rivals(written)):
        first = written_findings.figure_text(b.figure)
        table.add_row(b.name, first, *cells(b.figures), _p_value(b.p_value), "", _seconds(b.seconds, 1))
    own = [f"[bold]{written_findings.figure_text(figure)}[/bold]", *cells(scores.figures), ""]
    table.add_row(*_own(report, own))
    return table


def _table(report: RunReport, what: str, columns: Sequence[str]) -> Table:
    table = Table(title=f"{report.name}: {what}", title_justify="left")
    table.add_column("method", min_width=11)
    for column in (*columns, "trained", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _own(report: RunReport, cells: Sequence[str]) -> list[str]:
    trained = f"{report.method.trained_parameters:,}"
    return [f"[bold]{report.method.name}[/bold]", *cells, trained, _seconds(report.cost.train_seconds, 0)]


def _seconds(seconds: float | None, digits: int) -> str:
    return "" if seconds is None else f"{seconds:.{digits}f}"


def _p_value(p: float | None) -> str:
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"
