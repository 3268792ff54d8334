"""`trimtab tune`: tune a prompt on a frozen backbone, keep it, judge it. Top to bottom, the whole job.

    task -> rows -> resolved and bound -> prepared -> trained -> run -> report

Each is made from the one before by one function. What needs torch is imported once the rows have been read, so that a
mistake in the task or its data is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.data import Splits
from trimtab.data.memory import RowsInMemory
from trimtab.errors import RunError
from trimtab.runs.folder import TASK_FILE, check_folder
from trimtab.runs.lock import held
from trimtab.runs.trained_on import remember
from trimtab.settings.file import read_task
from trimtab.settings.methods import need_extra
from trimtab.settings.task import Task
from trimtab.tasks.rows import read_rows

if TYPE_CHECKING:
    from trimtab.backbones.open import Progress
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.reports.run_report import RunReport
    from trimtab.runs.run import Run
    from trimtab.training.loop import Plan
    from trimtab.tuning.folder import OnStep


@dataclass(frozen=True)
class Tuned:
    """What a tuning job ended with.

    Attributes:
        run: the run, as it stands in the run folder.
        report: its scores; None where none were asked for, or the user stopped the training (`evaluate` scores the run
            as it is).
        stopped_at: the step at which the user stopped the training, or None.
    """

    run: Run
    report: RunReport | None
    stopped_at: int | None


OnPlan = Callable[[Task, "Plan", list[str]], None]


def run(
    task: Task,
    out: Path,
    *,
    base: Path,
    resume: bool = False,
    offline: bool = False,
    agree: bool = False,
    beside: bool = True,
    report: bool = True,
    splits: Splits | None = None,
    rows: Mapping[str, RowsInMemory] | None = None,
    pretrained: Pretrained | None = None,
    on_plan: OnPlan | None = None,
    on_step: OnStep | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Tune a prompt.

    Args:
        task: the settings.
        out: run folder to write; must not exist or be empty, unless `resume`.
        base: folder at which the task's relative paths start.
        resume: go on from the checkpoint in `out`; ends bit-identical (on the same machine and threads) to a run that
            was never stopped.
        offline, agree: see `trimtab.sources.find_model`.
        beside: score majority, naive Bayes and the backbone without a prompt on the same rows.
        report: score the run and write its report; a run without one can be scored later (`evaluate`).
        splits: the rows, where the caller has read them as the task says.
        rows: rows in memory, by split (`train`, `dev`, `test`), in place of what the task names: a list of
            dictionaries, or a table of pandas, polars, pyarrow or `datasets`. The run does not keep them: give them
            again to resume it.
        pretrained: a backbone in memory, where the caller has one.
        on_plan: told the task with everything picked, the plan, and notes on the data, before the first step.
        on_step: told of every step.
        progress: told what is being done besides.

    Raises:
        TrimtabError: whatever is wrong with settings, data, backbone or disk. Nothing is left in `out` unless training
            had begun.
    """
    with held(out, "tuning"):
        check_folder(out, resume)
        need_extra(task.method)
        read = read_rows(task, base, splits, rows)

        from trimtab.backbones.open import backbone_of
        from trimtab.judging.report import report_of
        from trimtab.tasks.resolve import resolve
        from trimtab.tuning import metrics
        from trimtab.tuning.prepare import prepare
        from trimtab.tuning.run import cost, finish, keep, train

        if pretrained is None:
            pretrained = backbone_of(read.task, base, offline=offline, agree=agree, progress=progress)
        resolved = resolve(read, pretrained, progress)
        prepared = prepare(resolved)
        plan = prepared.training.plan
        if on_plan:
            on_plan(prepared.task, plan, prepared.notes)
        stopped_at = train(prepared, out, on_step)
        remember(out, read.seen)
        tuned = keep(prepared, out, stopped=stopped_at is not None)
        if stopped_at is not None:
            return Tuned(tuned, None, stopped_at)
        scored = None
        if report:
            scored = report_of(
                tuned, pretrained, read.splits, folder=out, beside=beside, curve=metrics.curve(out, plan.seeds),
                cost=cost(out, plan), notes=prepared.notes, progress=progress,
            )  # fmt: skip
        finish(out)
        return Tuned(tuned, scored, None)


def resolved_task(folder: Path, overrides: Sequence[str] = ()) -> Task:
    """The task of a run folder that was begun. Raises RunError where there is none."""
    if not (folder / TASK_FILE).is_file():
        raise RunError(f"{folder}: not a run folder (no {TASK_FILE}).", "Give a task file to begin one.")
    return read_task(folder / TASK_FILE, overrides)
