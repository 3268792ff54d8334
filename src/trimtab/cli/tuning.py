"""The verbs that tune and judge: tune, compare, evaluate. Knows nothing about how a job is done."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trimtab.cli import printing
from trimtab.cli.inputs import task_file_for
from trimtab.cli.options import (
    AGREE,
    ANSWER,
    BESIDE,
    LABEL,
    OFFLINE,
    PRECISION,
    RUN_CODE,
    SET,
    TEXT,
    FiniteRange,
    row_counts,
    seconds,
)
from trimtab.cli.progress import Bars
from trimtab.runs.folder import check_finished, folder_named

if TYPE_CHECKING:
    from trimtab.settings.task import Precision


@click.command()
@click.argument("task", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Run folder to write.  [default: runs/NAME]")
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped or killed. TASK may be its folder.")
@click.option("--budget", metavar="10m", help="Try several methods for so long (s, m or h), and keep the best.")
@click.option("--smallest", is_flag=True, help="Keep the smallest of the methods that do as well as the best.")
@click.option("--no-weights-changed", is_flag=True, help="Try no method that changes the backbone's weights.")
@LABEL
@TEXT
@ANSWER
@SET
@BESIDE
@OFFLINE
@AGREE
def tune(
    task: Path, out: Path | None, resume: bool, label: str | None, text: tuple[str, ...], answer: str | None,
    budget: str | None, smallest: bool, no_weights_changed: bool, overrides: tuple[str, ...], beside: bool,
    offline: bool, agree: bool,
) -> None:  # fmt: skip
    """Tune a prompt as TASK (a YAML file) says, judge it, and keep it in a run folder.

    TASK may be a file of rows too (CSV, TSV, JSON, Parquet, hub:NAME): a task file is written for it, and shown; of
    several methods the best one is kept.
    """
    from trimtab.settings.file import read_task

    if is_rows(task):
        task = task_file_for(str(task), label, text, answer).relative_to(Path.cwd())
    elif label or text or answer:
        raise click.UsageError("--label, --text and --answer go with a file of rows; a task file says it itself.")
    overrides = (*overrides, *_searching(budget, smallest, no_weights_changed, overrides))

    taken_up = task.is_dir() and resume
    if taken_up and out is not None:
        raise click.UsageError("--out does not go with a run folder, which is taken up in place.")
    settings = None if taken_up else read_task(task, overrides, printing.note)
    from trimtab.jobs import tune as job

    if settings is None:
        out, base, settings = task, Path.cwd(), job.resolved_task(task, overrides)
    else:
        out, base = out or folder_named(settings.name), task.parent
    with Bars() as bars:
        tuned = job.run(
            settings, out, base=base, resume=resume, offline=offline, agree=agree, beside=beside,
            on_plan=lambda made, plan, notes: printing.say_plan(made, plan, notes, bars),
            on_way=lambda way, left: printing.say_way(way, left, bars), on_step=bars.step, progress=bars.progress,
        )  # fmt: skip
    for line in tuned.why:
        printing.note(line)
    if tuned.stopped_at is not None and tuned.why:
        printing.note(f"Stopped. The best run so far is kept in {out} and can be used.")
        printing.note(f"`trimtab tune {out} --resume` goes on; `trimtab evaluate {out}` scores it as it is.")
        sys.exit(130)
    if tuned.stopped_at is not None:
        printing.note(f"Stopped at step {tuned.stopped_at}. The best prompt so far is kept in {out} and can be used.")
        printing.note(f"`trimtab tune {out} --resume` goes on; `trimtab evaluate {out}` scores it as it is.")
        sys.exit(130)
    if tuned.report is not None:
        printing.print_report(tuned.report, out)


def is_rows(path: Path) -> bool:
    """Whether what is given is rows, by its name, and no task file or run folder."""
    from trimtab.data.files import holds_rows

    return str(path).startswith("hub:") or (holds_rows(str(path)) and not path.is_dir())


def _searching(budget: str | None, smallest: bool, no_weights_changed: bool, overrides: Sequence[str]) -> Iterator[str]:
    """Settings that ask for the best of several methods. Raises click.UsageError where one is named besides."""
    asked = [f"method.budget={seconds(budget)}"] if budget else []
    asked += ["method.smallest=true"] if smallest else []
    asked += ["method.change_weights=false"] if no_weights_changed else []
    if asked and any(own.startswith("method") and own not in ("method=auto", "method.name=auto") for own in overrides):
        raise click.UsageError("--budget, --smallest and --no-weights-changed go with --set method=auto only.")
    if asked:
        yield "method=auto"
    yield from asked


@click.command()
@click.argument("task", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write.  [default: runs/compare-NAME]")
@click.option("--methods", help="Ways to compare, with commas between them.  [default: a set for the machine]")
@click.option(
    "--seeds", default=1, show_default=True, type=click.IntRange(1, 64), help="Seeds of each way that has one."
)
@click.option("--reference", help="Compare the others with this way.  [default: soft_prompt]")
@click.option("--learning-curve", metavar="8,32,128", help="Measure every way on so many training rows too.")
@click.option("--without-prompt", is_flag=True, help="Measure what is left of tuned ways without their prompt.")
@click.option("--budget", metavar="10m", help="Take no longer (s, m or h); say what was left out.")
@click.option("--price", type=FiniteRange(0), help="What an hour of this machine costs.")
@click.option("--currency", default="", help="In what.")
@RUN_CODE
@SET
@OFFLINE
@AGREE
def compare(
    task: Path, out: Path | None, methods: str | None, seeds: int, reference: str | None, learning_curve: str | None,
    without_prompt: bool, budget: str | None, price: float | None, currency: str, run_code: bool,
    overrides: tuple[str, ...], offline: bool, agree: bool,
) -> None:  # fmt: skip
    """Measure ways to do TASK on the same rows: what each reaches, at what cost, and what is chance."""
    from trimtab.settings.file import read_task

    settings = read_task(task, overrides, printing.note)
    from trimtab.jobs import compare as job
    from trimtab.ways.wanted import Wanted

    out = out or folder_named(settings.name, "compare-")
    wanted = Wanted(
        methods=[name.strip() for name in methods.split(",")] if methods else None,
        seeds=seeds,
        reference=reference,
        curve=row_counts(learning_curve),
        without_prompt=without_prompt,
        budget_seconds=seconds(budget),
        price_an_hour=price,
        currency=currency,
        run_code=run_code,
    )
    try:
        with Bars() as bars:
            made = job.run(
                settings, out, wanted, base=task.parent, offline=offline, agree=agree,
                on_cell=lambda way, seed, rows: bars.say(f"{way.name}: {rows:,} training rows, seed {seed}"),
                on_step=bars.step, progress=bars.progress,
            )  # fmt: skip
    except KeyboardInterrupt:
        printing.note(f"Stopped. What was measured is kept in {out}; the same command goes on from there.")
        sys.exit(130)
    printing.print_comparison(made, out)


@click.command()
@click.argument("runs", metavar="RUN [RUN_B ...]", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--test", help="Score these examples instead of the task's own test.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the report.  [default: the run folder]")
@click.option("--by", multiple=True, metavar="COLUMN", help="Tell scores apart by this column of the rows, too.")
@BESIDE
@RUN_CODE
@PRECISION
@OFFLINE
@AGREE
def evaluate(
    runs: tuple[Path, ...], test: str | None, out: Path | None, by: tuple[str, ...], beside: bool, run_code: bool,
    precision: Precision | None, offline: bool, agree: bool,
) -> None:  # fmt: skip
    """Score RUN on labelled examples and write report.html, report.json and card.md.

    Several runs are scored on the same rows and compared with the first; compare.html and compare.json are written
    where --out says.
    """
    check_finished(*runs)
    if len(runs) > 1 and by:
        raise click.UsageError("--by goes with one run.")
    if len(runs) > 1:
        from trimtab.jobs import compare_runs

        with Bars() as bars:
            made = compare_runs.run(
                runs, test=test, out=out, precision=precision, offline=offline, agree=agree, run_code=run_code,
                progress=bars.progress,
            )  # fmt: skip
        printing.print_comparison(made, out)
        return
    from trimtab.jobs import evaluate as job

    [run] = runs
    with Bars() as bars:
        report = job.run(
            run, test=test, out=out, precision=precision, offline=offline, agree=agree, beside=beside,
            run_code=run_code, by=by, progress=bars.progress,
        )  # fmt: skip
    printing.print_report(report, out or run)
