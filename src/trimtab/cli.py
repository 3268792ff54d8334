"""The command line: one verb, one job. Knows nothing about how a job is done or how its figures are printed.

The verbs that need no run are in cli_inputs.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

import click

from trimtab import cli_inputs, terminal
from trimtab.arguments import AGREE, BESIDE, OFFLINE, RUN_CODE, SET, Format, row_counts, seconds
from trimtab.bars import Bars
from trimtab.errors import TrimtabError
from trimtab.run_folder import check_finished


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="trimtab")
def trimtab() -> None:
    """Adapt one frozen language model to many tasks with tiny tuned prompts.

    A task file says what to do; `trimtab tune` leaves a run folder; the other verbs use it.
    """


for verb in (cli_inputs.new, cli_inputs.data, cli_inputs.show, cli_inputs.models):
    trimtab.add_command(verb)


@trimtab.command()
@click.argument("task", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Run folder to write.  [default: runs/NAME]")
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped or killed. TASK may be its folder.")
@SET
@BESIDE
@OFFLINE
@AGREE
def tune(
    task: Path, out: Path | None, resume: bool, overrides: tuple[str, ...], beside: bool, offline: bool, agree: bool
) -> None:
    """Tune a prompt as TASK (a YAML file) says, judge it, and keep it in a run folder."""
    from trimtab.task_file import read_task

    taken_up = task.is_dir() and resume
    if taken_up and out is not None:
        raise click.UsageError("--out does not go with a run folder, which is taken up in place.")
    settings = None if taken_up else read_task(task, overrides)
    from trimtab.jobs import tune as job  # takes seconds: mistakes in the task file are told before

    if settings is None:
        out, base, settings = task, Path.cwd(), job.resolved_task(task, overrides)
    else:
        out, base = out or Path("runs") / settings.name, task.parent
    with Bars() as bars:
        tuned = job.run(
            settings, out, base=base, resume=resume, offline=offline, agree=agree, beside=beside,
            on_plan=lambda made, plan, notes: terminal.say_plan(made, plan, notes, bars), on_step=bars.step,
            progress=bars.progress,
        )  # fmt: skip
    if tuned.stopped_at is not None:
        terminal.note(f"Stopped at step {tuned.stopped_at}. The best prompt so far is kept in {out} and can be used.")
        terminal.note(f"`trimtab tune {out} --resume` goes on; `trimtab evaluate {out}` scores it as it is.")
        sys.exit(130)
    if tuned.report is not None:
        terminal.print_report(tuned.report, out)


@trimtab.command()
@click.argument("task", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write.  [default: runs/compare-NAME]")
@click.option("--methods", help="Ways to compare, with commas between them.  [default: a set for the machine]")
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1), help="Seeds of each way that has one.")
@click.option("--reference", help="Compare the others with this way.  [default: soft_prompt]")
@click.option("--learning-curve", metavar="8,32,128", help="Measure every way on so many training rows too.")
@click.option("--without-prompt", is_flag=True, help="Measure what is left of tuned ways without their prompt.")
@click.option("--budget", metavar="10m", help="Take no longer (s, m or h); say what was left out.")
@click.option("--price", type=click.FloatRange(0), help="What an hour of this machine costs.")
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
    from trimtab.task_file import read_task

    settings = read_task(task, overrides)
    from trimtab.jobs import compare as job  # takes seconds: mistakes in the task file are told before

    out = out or Path("runs") / f"compare-{settings.name}"
    wanted = job.Wanted(
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
        terminal.note(f"Stopped. What was measured is kept in {out}; the same command goes on from there.")
        sys.exit(130)
    terminal.print_comparison(made, out)


@trimtab.command()
@click.argument("runs", metavar="RUN [RUN_B ...]", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--test", help="Score these examples instead of the task's own test.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the report.  [default: the run folder]")
@BESIDE
@RUN_CODE
@OFFLINE
@AGREE
def evaluate(
    runs: tuple[Path, ...], test: str | None, out: Path | None, beside: bool, run_code: bool, offline: bool, agree: bool
) -> None:
    """Score RUN on labelled examples and write report.html, report.json and card.md.

    Several runs are scored on the same rows and compared with the first; compare.html and compare.json are written
    where --out says.
    """
    check_finished(*runs)
    from trimtab.jobs import compare_runs  # takes seconds
    from trimtab.jobs import evaluate as job

    if len(runs) > 1:
        with Bars() as bars:
            made = compare_runs.run(
                runs, test=test, out=out, offline=offline, agree=agree, run_code=run_code, progress=bars.progress
            )
        terminal.print_comparison(made, out)
        return
    [run] = runs
    with Bars() as bars:
        report = job.run(
            run, test=test, out=out, offline=offline, agree=agree, beside=beside, run_code=run_code,
            progress=bars.progress,
        )  # fmt: skip
    terminal.print_report(report, out or run)


@trimtab.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("source", default="-")
@click.option("--text", "-t", multiple=True, help="Answer this text; may be given several times.")
@click.option("--batch", default=32, show_default=True, type=click.IntRange(1), help="Rows answered together.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="SETTING=VALUE",
    help="Override how free text is found, e.g. answer.temperature=0.8.",
)
@OFFLINE
@AGREE
def predict(
    run: Path, source: str, text: tuple[str, ...], batch: int, overrides: tuple[str, ...], offline: bool, agree: bool
) -> None:
    """Answer rows of SOURCE (a file, or `-` for standard input) with RUN: JSON lines, in the same order."""
    check_finished(run)
    from trimtab.jobs import predict as job  # takes seconds

    with Bars() as bars:
        engine = job.open_engine(run, overrides, offline=offline, agree=agree, progress=bars.progress)
    if notice := engine.runs[job.NAME].task.notice:
        terminal.note(f"Note: {notice}")
    answers: Iterator[dict[str, object]]
    answers = job.texts(engine, text) if text else job.run(engine, source, batch=batch)
    failed = 0
    for answer in answers:
        failed += "error" in answer
        click.echo(json.dumps(answer, ensure_ascii=False))
    if failed:
        terminal.note(f"{failed} row(s) could not be answered; their records say why.")


@trimtab.command()
@click.argument("run", metavar="RUN_OR_BACKBONE")
@click.argument("files", metavar="[FILE ...]", nargs=-1)
@click.option("--field", help="Score this column of rows.  [default: the run's answers; `text` for a bare backbone]")
@click.option(
    "--format", "form", type=click.Choice(get_args(Format)), default="auto", help="`auto` goes by its ending."
)
@click.option("--encoding", type=click.Choice(["utf-8", "gb18030"]), default="utf-8", help="Text encoding.")
@click.option("--context", type=click.IntRange(2), help="Tokens read at a time.  [default: the backbone's, up to 2048]")
@click.option("--stride", type=click.IntRange(1), help="Tokens that each window adds.  [default: half of a window]")
@click.option("--per-row", is_flag=True, help="A JSON line for each row on standard output, totals on standard error.")
@click.option("--json", "as_json", is_flag=True, help="Print totals as a JSON line for each file.")
@OFFLINE
@AGREE
def perplexity(
    run: str, files: tuple[str, ...], field: str | None, form: Format, encoding: Literal["utf-8", "gb18030"],
    context: int | None, stride: int | None, per_row: bool, as_json: bool, offline: bool, agree: bool,
) -> None:  # fmt: skip
    """Measure how well RUN_OR_BACKBONE foretells texts: plain text, or rows, or the answers of a run's rows.

    FILE is text or rows (.jsonl, .csv, .tsv, .parquet), by default text on standard input.
    """
    from trimtab.jobs import perplexity as job

    with Bars() as bars:
        scorer = job.open_scorer(run, offline=offline, agree=agree, progress=bars.progress)
        totals = [
            job.run(
                scorer, file, field=field, format=form, encoding=encoding, context=context, stride=stride,
                on_row=terminal.print_scored if per_row else None, progress=bars.progress,
            )
            for file in files or ("-",)
        ]  # fmt: skip
    terminal.print_likelihoods(totals, as_json=as_json, error=per_row)


@trimtab.command()
@click.argument("runs", metavar="[RUN ...]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--backbone", help="Talk to this backbone as it is, alone or beside runs.")
@click.option("--temperature", type=click.FloatRange(0), help="0 takes the likeliest token; above 0 they are drawn.")
@click.option("--top-p", type=float, help="Draw from the fewest tokens that have this share of the probability.")
@click.option("--max-tokens", type=click.IntRange(1), help="Longest answer, in tokens.")
@click.option("--seed", type=click.IntRange(0), help="Seed of what is drawn.")
@OFFLINE
@AGREE
def chat(runs: tuple[Path, ...], backbone: str | None, offline: bool, agree: bool, **given: float | None) -> None:
    """Talk to RUN, or to several side by side, or to a bare backbone; behind a pipe each line is a message."""
    check_finished(*runs)
    from trimtab.jobs import chat as job  # takes seconds
    from trimtab.talk import Conversation

    decoding = {name: value for name, value in given.items() if value is not None}
    with Bars() as bars:
        talk = job.open_talk(runs, backbone, decoding, offline=offline, agree=agree, progress=bars.progress)
    Conversation(talk).run()


@trimtab.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["peft", "merged", "text"]),
    default="peft",
    show_default=True,
    help="A PEFT adapter, a whole model with the changes merged in, or a soft prompt's nearest tokens.",
)
@OFFLINE
@AGREE
def export_run(run: Path, out: Path, form: Literal["peft", "merged", "text"], offline: bool, agree: bool) -> None:
    """Write RUN for other programs into the folder OUT."""
    check_finished(run)
    from trimtab.jobs import exchange as job  # takes seconds

    with Bars() as bars:
        names = job.export(run, out, format=form, offline=offline, agree=agree, progress=bars.progress)
    click.echo(f"{out}: {', '.join(names)}")


@trimtab.command("import")
@click.argument("adapter", type=click.Path(path_type=Path))
@click.argument("task", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Run folder to write.  [default: runs/NAME]")
@SET
@OFFLINE
@AGREE
def import_adapter(
    adapter: Path, task: Path, out: Path | None, overrides: tuple[str, ...], offline: bool, agree: bool
) -> None:
    """Make a run of ADAPTER, a folder that PEFT wrote, with template, labels and data of TASK."""
    from trimtab.task_file import read_task

    settings = read_task(task, overrides)
    from trimtab.jobs import exchange as job  # takes seconds: mistakes in the task file are told before

    out = out or Path("runs") / settings.name
    with Bars() as bars:
        run, notes = job.import_(
            adapter, settings, out, base=task.parent, offline=offline, agree=agree, progress=bars.progress
        )
    for note in notes:
        terminal.note(f"Note: {note}")
    click.echo(f"{out}: a run of method {run.task.method.name}; `trimtab evaluate {out}` scores it.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line. Exit code 2 where the user can mend what went wrong, 130 after Ctrl-C."""
    try:
        with terminal.closed_pipe():
            given = list(arguments) if arguments is not None else None
            trimtab.main(args=given, prog_name="trimtab", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        terminal.note("trimtab: stopped.")
        sys.exit(130)
    except (TrimtabError, OSError, MemoryError, RuntimeError) as error:
        message, hint = terminal.explained(error)
        terminal.note(f"trimtab: {message}" + (f"\n         {hint}" if hint else ""))
        sys.exit(2)
