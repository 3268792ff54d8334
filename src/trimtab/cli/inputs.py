"""Verbs that look at what goes into a run, and need none: ready tasks, examples, rows as read, backbones.

Knows nothing about runs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trimtab.cli import printing
from trimtab.cli.options import AGREE, ANSWER, ENCODING, LABEL, MANY, OFFLINE, PRECISION, SET, TEXT
from trimtab.cli.progress import Bars
from trimtab.cli.terminal import asked, say, say_json

if TYPE_CHECKING:
    from trimtab.settings.task import Precision


@click.command()
@click.argument("name", required=False)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--from", "source", metavar="FILE", help="Write a task file for these rows, here.")
@LABEL
@TEXT
@ANSWER
@click.option("--force", is_flag=True, help="Overwrite files of the same names.")
def new(
    name: str | None, folder: Path | None, source: str | None, label: str | None, text: tuple[str, ...],
    answer: str | None, force: bool,
) -> None:  # fmt: skip
    """List ready tasks, or write NAME into FOLDER (by default NAME): a task file and a few sample rows.

    With --from, write a task file for rows that you have.
    """
    from trimtab.jobs import new as job

    if source is None and (label or text or answer):
        raise click.UsageError("--label, --text and --answer go with --from FILE.")
    if source is not None:
        if name is not None:
            raise click.UsageError("--from does not go with the name of a ready task.")
        task_file_for(source, label, text, answer, force=force)
        return
    if name is None:
        printing.print_ready(job.ready_tasks())
        return
    written = job.run(name, folder or Path(name), force=force)
    say("\n".join(map(str, written)))
    printing.note(f"The rows are a small sample: put your own in their place. `trimtab tune {written[0]}` runs it.")


def task_file_for(
    source: str, label: str | None, text: tuple[str, ...], answer: str | None, *, force: bool = False
) -> Path:
    """Write a task file for rows and show it; what cannot be told is asked on a terminal."""
    from trimtab.jobs import new as job

    ask = asked if sys.stdin.isatty() and sys.stderr.isatty() else None
    path, inferred = job.from_rows(source, base=Path.cwd(), label=label, text=text, answer=answer, ask=ask, force=force)
    printing.note(f"{path.name}, told from {source}:")
    printing.note(job.written(source, inferred).partition("\n")[2].rstrip())
    printing.note(f"Change it as you like; `trimtab tune {path.name}` runs it.")
    return path


@click.command()
@click.argument("source")
@click.option("--task", type=click.Path(path_type=Path), help="Task file that says how rows are read.")
@click.option("--dev", help="Another split, to look for shared texts.")
@click.option("--test", help="Another split, to look for shared texts.")
@click.option("--label", help="Column of the answer.  [default: label]")
@click.option("--encoding", type=ENCODING, help="Text encoding.  [default: utf-8]")
@click.option(
    "--tokens/--no-tokens",
    default=None,
    help="Measure lengths in the backbone's tokens.  [default: where it is cached]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@OFFLINE
def data(
    source: str, task: Path | None, dev: str | None, test: str | None, label: str | None, encoding: str | None,
    tokens: bool | None, as_json: bool, offline: bool,
) -> None:  # fmt: skip
    """Look into examples: rows, labels, lengths, duplicates, shared texts, damage."""
    from trimtab.jobs import data as job
    from trimtab.kinds.choose import template_of
    from trimtab.settings.file import read_task
    from trimtab.settings.task import Task

    settings = read_task(task) if task else Task()
    fields = template_of(settings).fields if task else ()
    chosen = {"label": label, "encoding": encoding}
    how = settings.data.model_copy(update={k: v for k, v in chosen.items() if v})
    others = {name: other for name, other in (("dev", dev), ("test", test)) if other}
    with Bars() as bars:
        report = job.run(
            source, settings=how, fields=fields, answer=settings.answer, base=Path.cwd(), others=others,
            backbone=settings.backbone, tokens=tokens, offline=offline, progress=bars.progress,
        )  # fmt: skip
    if as_json:
        say_json(report.to_dict(), indent=1)
    else:
        printing.print_data(report)


@click.command()
@click.argument("task", type=click.Path(path_type=Path))
@click.option("-n", "rows", default=3, show_default=True, type=click.IntRange(1, MANY), help="Rows to show.")
@SET
@PRECISION
@OFFLINE
@AGREE
def show(
    task: Path, rows: int, overrides: tuple[str, ...], precision: Precision | None, offline: bool, agree: bool
) -> None:
    """Show what rows of TASK become: text, tokens, where the answer is."""
    from trimtab.settings.file import read_task

    settings = read_task(task, overrides, printing.note)
    from trimtab.jobs import show as job

    with Bars() as bars:
        shown, words = job.run(
            settings,
            rows,
            base=task.parent,
            precision=precision,
            offline=offline,
            agree=agree,
            on_note=printing.note,
            progress=bars.progress,
        )
    printing.print_shown(shown, words)


@click.command()
@click.argument("name", required=False)
@click.option("--agree", is_flag=True, help="Agree to the model's terms of use.")
@click.option("--verify", is_flag=True, help="Hash the cached copy again.")
@click.option("--remove", is_flag=True, help="Remove the cached copy, and what was converted of it.")
@OFFLINE
def models(name: str | None, agree: bool, verify: bool, remove: bool, offline: bool) -> None:
    """List backbones, or fetch NAME; show licence, terms, sizes and what is cached."""
    from trimtab.jobs import models as job

    with Bars() as bars:
        entries = job.run(name, agree=agree, offline=offline, verify=verify, remove=remove, progress=bars.progress)
    for entry in entries:
        printing.print_model(entry)
