"""The verbs that exchange runs with other programs: export, import. Knows nothing about formats."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from trimtab.cli import printing
from trimtab.cli.options import AGREE, OFFLINE, SET
from trimtab.cli.progress import Bars
from trimtab.cli.terminal import say
from trimtab.runs.folder import check_finished, folder_named


@click.command("export")
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
    from trimtab.jobs import exchange as job

    with Bars() as bars:
        names = job.export(run, out, format=form, offline=offline, agree=agree, progress=bars.progress)
    say(f"{out}: {', '.join(names)}")


@click.command("import")
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
    from trimtab.settings.file import read_task

    settings = read_task(task, overrides, printing.note)
    from trimtab.jobs import exchange as job

    out = out or folder_named(settings.name)
    with Bars() as bars:
        run, notes = job.import_(
            adapter, settings, out, base=task.parent, offline=offline, agree=agree, progress=bars.progress
        )
    for note in notes:
        printing.note(f"Note: {note}")
    say(f"{out}: a run of method {run.task.method.name}; `trimtab evaluate {out}` scores it.")
