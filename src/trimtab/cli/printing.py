"""What a job ends with, as text on the terminal. Knows nothing about how it came about, or how text is made harmless.

rich is imported when a table is asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.cli.terminal import console, say, say_json
from trimtab.errors import TrimtabError

if TYPE_CHECKING:
    from trimtab.cli.progress import Bars
    from trimtab.data import DataReport
    from trimtab.jobs.new import Ready
    from trimtab.jobs.perplexity import Scored
    from trimtab.jobs.show import Shown
    from trimtab.reports.comparison import Comparison, Way
    from trimtab.reports.run_report import RunReport
    from trimtab.settings.task import Task
    from trimtab.sources import ModelEntry
    from trimtab.training.loop import Plan
    from trimtab.ways.ways import WayKind

TABLE_WIDTH = 100
# Answers of which `trimtab data` lists how often they occur.
ANSWERS_SHOWN = 20


def note(text: str) -> None:
    """Print a line that is no answer, on standard error."""
    say(text, error=True)


def print_ready(tasks: Sequence[Ready]) -> None:
    """Print a line for each ready task: name, language, backbone, what it does."""
    widths = [max(len(getattr(task, name)) for task in tasks) for name in ("name", "language", "backbone")]
    for task in tasks:
        cells = zip((task.name, task.language, task.backbone), widths, strict=True)
        say("  ".join([*(cell.ljust(width) for cell, width in cells), task.summary]))


def print_model(entry: ModelEntry) -> None:
    """Print what is known of a backbone and what of it is cached."""
    say(entry.name, bold=True)
    languages = ", ".join(entry.languages) if not isinstance(entry.languages, str) else entry.languages
    say(f"  {entry.description}")
    parameters = [f"{_size(entry.parameters, '')} parameters"] if entry.parameters else []
    say("  " + " · ".join([*parameters, languages, entry.licence]))
    if entry.terms:
        agreed = "agreed" if entry.agreed else "not agreed to yet"
        say(f"  Terms ({agreed}): {entry.terms}" + (f" {entry.terms_url}" if entry.terms_url else ""))
    for origin, size in entry.origins.items():
        say(f"  from {origin}" + (f" ({_size(size)})" if size else ""))
    for copy in entry.cached:
        say(f"  cached: {copy.path} ({copy.origin})")
    say(f"  on disk: {_size(entry.bytes_on_disk)}" if entry.cached else "  not cached")


def print_scored(row: Scored, *, error: bool = False) -> None:
    """Print how likely a text is as a JSON line, on standard output or standard error."""
    say_json(row.to_dict(), error=error)


def print_vector(vector: Mapping[str, Sequence[float]]) -> None:
    """Print a vector as a JSON line."""
    say_json(vector)


def print_likelihoods(totals: Sequence[Scored], *, as_json: bool, error: bool) -> None:
    """Print tokens, mean loss, perplexity and bits per byte of every file: a table, or a JSON line each.

    Args:
        totals: a file each.
        as_json: whether as JSON.
        error: whether on standard error.
    """
    if as_json:
        for total in totals:
            print_scored(total, error=error)
        return
    from rich.table import Table

    table = Table()
    for name in ("file", "tokens", "mean loss", "perplexity", "bits per byte"):
        table.add_column(name, justify="left" if name == "file" else "right", no_wrap=name != "file")
    for total in totals:
        own = total.likelihood
        figures = ["" if x is None else f"{x:,.{n}f}" for x, n in ((own.loss, 4), (own.perplexity, 2))]
        bits = "" if own.bits_per_byte is None else f"{own.bits_per_byte:.4f}"
        table.add_row(total.where, f"{own.tokens:,}", *figures, bits)
    console(error=error).print(table)


def print_shown(rows: Sequence[Shown], words: Mapping[str, Sequence[Sequence[str]]]) -> None:
    """Print what rows become, and the tokens of every label's words."""
    for row in rows:
        say(f"{row.where}  ·  {row.answer}  ·  {row.tokens} tokens", bold=True)
        say(row.text)
        for what, tokens in row.parts:
            say(f"  {what:>11} {len(tokens):4d}  {_tokens(tokens)}")
        if row.cut:
            say(f"  cut to fit: {row.cut} tokens")
        say()
    if words:
        say("Label words", bold=True)
    for label, several in words.items():
        say(f"  {label}: " + ", ".join(_tokens(tokens) for tokens in several))


def print_data(report: DataReport) -> None:
    """Print rows, answers and lengths of every split, and what is conspicuous."""
    from rich.table import Table

    for name, split in report.splits.items():
        say(f"{name}: {split.rows:,} rows, {split.answers.in_words()}", bold=True)
        table = Table(show_header=False, box=None)
        for what, count, share in split.answers.table(ANSWERS_SHOWN):
            table.add_row(what, count, share)
        console().print(table)
        for unit, lengths in (("characters", split.characters), ("tokens", split.tokens)):
            if lengths is not None:
                say(f"  {unit}: {lengths.min} to {lengths.max}, median {lengths.median}, 95% up to {lengths.p95}")
        say()
    warnings = [*report.warnings(), *report.notes]
    for warning in warnings:
        say(f"• {warning}")
    if not warnings:
        say("Nothing conspicuous.")


def say_plan(task: Task, plan: Plan, notes: Sequence[str], bars: Bars) -> None:
    """Say what was picked for a tuning job, above its bars."""
    runs = f", {len(plan.seeds)} seeds in one pass" if len(plan.seeds) > 1 else ""
    lines = [
        f"{task.name}: {task.method.described} on {task.backbone}, {plan.rows:,} training rows{runs}",
        _picked(task, plan),
        *notes,
    ]
    for line in lines:
        bars.say(line)


def say_way(way: WayKind, left: float | None, bars: Bars) -> None:
    """Say which way is tried next, above the bars, and how much time is left, once that is known."""
    from trimtab.reports.format import duration

    bars.say(f"trying {way.name}" + (f" ({duration(left)} left)" if left is not None and left > 0 else ""))


def _picked(task: Task, plan: Plan) -> str:
    """How the prompt will be trained, in a line."""
    if task.method.fitted:
        return "picked: every row is read once, then the head is fitted to convergence"
    if not plan.steps:
        return "nothing to train"
    passes = plan.steps * plan.batch_size / plan.rows
    rows = f"{plan.dev_rows:,} rows of " if task.train.evaluate_rows is not None else ""
    return (
        f"picked: {plan.steps:,} steps of {plan.batch_size} rows ({passes:.1f} passes), {plan.optimiser}, "
        f"rate {plan.rate:g}{task.method.rate_unit}, {plan.schedule}, {rows}dev every {plan.evaluate_every} steps"
    )


def print_report(report: RunReport, folder: Path) -> None:
    """Print the table that says whether tuning was worth it."""

    from trimtab.cli.tables import report_table, seeds_line, slices_tables
    from trimtab.reports.findings.choose import findings_of
    from trimtab.reports.findings.slices import worse_sentence

    findings = findings_of(report.scored)
    table = report_table(report, findings)
    if table is None:
        return
    console(width=TABLE_WIDTH).print(table)
    if line := seeds_line(report, findings):
        say(line)
    for line in (findings.verdict(), *findings.told()):
        say(line)
    for own in slices_tables(report):
        console(width=TABLE_WIDTH).print(own)
    if worse := worse_sentence(report.slices):
        say(worse)
    for warning in report.warnings:
        say(f"Note: {warning}")
    say(f"Report: {folder / 'report.html'}")


def print_comparison(comparison: Comparison, folder: Path | None) -> None:
    """Print the table of a comparison, what to choose, what was left out, and where the page is, if in a folder.

    It fits 100 characters; on a narrower terminal it does without the second score and the number of trained values.
    """
    from rich.table import Table

    from trimtab.reports.choosing import chosen_way
    from trimtab.reports.compare_page import MOST_BESIDE

    screen = console(width=TABLE_WIDTH)
    title = f"{comparison.name}: {comparison.rows:,} {comparison.split} rows"
    table = Table(title=title, title_justify="left")
    beside = [metric.name for metric in comparison.others[:MOST_BESIDE]]
    columns = ["way", comparison.metric.name, "95% interval", *beside, "points", "p", "trained", "training"]
    shown = [name for name in columns if screen.width >= TABLE_WIDTH or name not in (*beside, "trained")]
    for name in shown:
        table.add_column(name, justify="left" if name == "way" else "right", no_wrap=name != "way")
    chosen = chosen_way(comparison)
    for way in comparison.ways:
        cells = _way_cells(way, comparison)
        table.add_row(*(cells[name] for name in shown), style="bold" if way is chosen else None)
    screen.print(table)
    lines = [comparison.choose, *(f"Note: {warning}" for warning in comparison.warnings)]
    lines += [f"Left out: {left.name} ({left.why})." for left in comparison.left_out]
    if folder is not None:
        lines.append(f"Comparison: {folder / 'compare.html'}")
    for line in lines:
        say(line)


def _way_cells(way: Way, comparison: Comparison) -> dict[str, str]:
    """Return what the table says of a way, by column."""
    from trimtab.reports.format import (
        difference_text,
        interval_text,
        metric_text,
        p_cell,
        parameters_text,
        training_text,
    )

    difference = way.difference
    return {
        "way": way.name,
        comparison.metric.name: metric_text(way.score, comparison.metric),
        "95% interval": interval_text(way.interval),
        **{metric.name: metric_text(way.mean(metric.name), metric) for metric in comparison.others},
        "points": difference_text(difference) if difference else "ref." if way.key == comparison.reference else "",
        "p": p_cell(difference.p_adjusted) if difference else "",
        "trained": parameters_text(way.trained_parameters),
        "training": training_text(way.train_seconds),
    }


def _tokens(tokens: Sequence[str]) -> str:
    if len(tokens) > 3 and len(set(tokens)) == 1:
        return f"{tokens[0]} x {len(tokens)}"
    return "|".join(token.replace("\n", "⏎") for token in tokens)


def _size(number: float, unit: str = "B", step: int = 1000) -> str:
    for prefix in ("", "k", "M", "G"):
        if abs(number) < step or prefix == "G":
            return f"{number:.0f} {prefix}{unit}".rstrip() if prefix in ("", "k") else f"{number:.4g} {prefix}{unit}"
        number /= step
    raise AssertionError


def explained(error: Exception) -> tuple[str, str]:
    """What went wrong and what to do about it; a fault of our own is raised again."""
    if isinstance(error, TrimtabError):
        return error.message, error.hint
    if isinstance(error, OSError):
        return f"{error.filename or 'input or output'}: {error.strerror or error}.", "Check the path and free space."
    from trimtab.tuning.folder import is_out_of_memory

    if is_out_of_memory(error):
        return "out of memory.", "Close other programs, choose a smaller backbone, or lower template.max_tokens."
    raise error


@contextmanager
def closed_pipe() -> Iterator[None]:
    """End quietly where the reader of our output has gone (`trimtab predict ... | head`)."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
