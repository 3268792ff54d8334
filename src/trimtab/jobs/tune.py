"""`trimtab tune`: tune a prompt on a frozen backbone, keep it, judge it. Top to bottom, the whole job.

    task -> rows -> resolved and bound -> prepared -> trained -> run -> report

Each is made from the one before by one function. Where the method is `auto`, the run is the best of those that a search
makes so (`trimtab.ways.auto`). What needs torch is imported once the rows have been read, so that a
mistake in the task or its data is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.data import Splits
from trimtab.data.memory import RowsInMemory
from trimtab.errors import RunError, TaskError
from trimtab.kinds.inferred.task import infer
from trimtab.runs.folder import SEARCH_FOLDER, TASK_FILE, check_folder, folder_named
from trimtab.runs.lock import held
from trimtab.runs.trained_on import remember
from trimtab.settings.file import TASK_FILES, read_task
from trimtab.settings.methods import AutoSettings, need_extra
from trimtab.settings.task import Task
from trimtab.tasks.rows import TaskRows, read_rows
from trimtab.tasks.usual_method import with_search

if TYPE_CHECKING:
    from trimtab.backbones.open import Progress
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.reports.run_report import RunReport
    from trimtab.runs.run import Run
    from trimtab.training.loop import Plan
    from trimtab.tuning.folder import OnStep
    from trimtab.ways.auto import OnWay


@dataclass(frozen=True)
class Tuned:
    """What a tuning job ended with.

    Attributes:
        run: the run, as it stands in the run folder.
        report: its scores; None where none were asked for, or the user stopped the training (`evaluate` scores the run
            as it is).
        stopped_at: the step at which the user stopped the training, or None; of a search for the best method the ways
            that were tried.
        why: where the method was `auto`, which way was kept and why, a sentence each.
    """

    run: Run
    report: RunReport | None
    stopped_at: int | None
    why: tuple[str, ...] = ()


OnPlan = Callable[[Task, "Plan", list[str]], None]


def run(
    task: Task | str | Path | RowsInMemory,
    out: Path | str | None = None,
    *,
    base: Path | str | None = None,
    label: str | None = None,
    text: Sequence[str] = (),
    answer: str | None = None,
    resume: bool = False,
    offline: bool = False,
    agree: bool = False,
    beside: bool = True,
    report: bool = True,
    splits: Splits | None = None,
    rows: Mapping[str, RowsInMemory] | None = None,
    pretrained: Pretrained | None = None,
    on_plan: OnPlan | None = None,
    on_way: OnWay | None = None,
    on_step: OnStep | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Tune a prompt.

    Args:
        task: the settings, or a task file with them; or rows in memory, or a file of them, for which a task is told
            from what they hold (`trimtab.kinds.inferred`), and the best of several methods kept. Where the task names
            no method and sets nothing of how one is trained, it is the best of several too (`method: auto`).
        out: run folder to write; must not exist or be empty, unless `resume`. By default `runs/` and the task's name.
        base: folder at which the task's relative paths start; by default that of the task file, or the working
            folder.
        label, text, answer: of rows, the column of the answer, the columns of what is read, and the kind of answer,
            where they cannot be told.
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
        on_way: where the method is `auto`, told of every way before it is tried, and the seconds left, once known.
        on_step: told of every step.
        progress: told what is being done besides.

    Raises:
        TrimtabError: whatever is wrong with settings, data, backbone or disk. Nothing is left in `out` unless training
            had begun.
    """
    if isinstance(task, str | Path) and Path(task).suffix in TASK_FILES:
        base, task = Path(task).parent if base is None else base, read_task(Path(task))
    base = Path.cwd() if base is None else Path(base)
    if not isinstance(task, Task | str | Path):
        rows = {"train": task, **(rows or {})}
    task = with_search(_asked(task, base, label, text, answer))
    out = folder_named(task.name) if out is None else Path(out)
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
        if isinstance(read.task.method, AutoSettings):
            return _best(read, pretrained, out, offline, beside, report, on_way, on_step, progress)
        resolved = resolve(read, pretrained, progress)
        prepared = prepare(resolved, progress)
        plan = prepared.training.plan
        if on_plan:
            on_plan(prepared.task, plan, prepared.notes)
        stop = train(prepared, out, on_step)
        remember(out, read.seen)
        tuned = keep(prepared, out, stop)
        if stop is not None:
            return Tuned(tuned, None, stop.step)
        scored = None
        if report:
            scored = report_of(
                tuned, pretrained, read.splits, folder=out, beside=beside, curve=metrics.curve(out, plan.seeds),
                cost=cost(out, plan), notes=prepared.notes, progress=progress,
            )  # fmt: skip
        finish(out)
        return Tuned(tuned, scored, None)


def _asked(
    task: Task | str | Path | RowsInMemory, base: Path, label: str | None, text: Sequence[str], answer: str | None
) -> Task:
    """The task as it was given, or as it is told from rows. Raises TaskError where columns are named beside a task."""
    if not isinstance(task, Task):
        source = str(task) if isinstance(task, Path) else task
        return infer(source, base=base, label=label, text=text, answer=answer).task
    if label or text or answer:
        raise TaskError("label, text and answer go with rows; a task says them itself.", "Leave them out.")
    return task


def _best(
    read: TaskRows, pretrained: Pretrained, out: Path, offline: bool, beside: bool, report: bool,
    on_way: OnWay | None, on_step: OnStep | None, progress: Progress | None,
) -> Tuned:  # fmt: skip
    """The best of several ways, judged as any run is."""
    from trimtab.judging.report import report_of
    from trimtab.tuning import metrics
    from trimtab.tuning.run import cost_of
    from trimtab.ways import auto, search_state

    found = auto.find(read, pretrained, out, offline=offline, on_way=on_way, on_step=on_step, progress=progress)
    why = tuple(found.why)
    if found.stopped:
        return Tuned(found.run, None, len(found.tried), why)
    scored = None
    if report:
        seconds = sum(tried.seconds for tried in found.tried)
        scored = report_of(
            found.run, found.pretrained, read.splits, folder=out, beside=beside,
            curve=metrics.curve(out, found.run.facts["seeds"]), cost=cost_of(seconds), notes=[*read.splits.note, *why],
            tried=found.tried, progress=progress,
        )  # fmt: skip
    search_state.finish(out)
    return Tuned(found.run, scored, None, why)


def resolved_task(folder: Path, overrides: Sequence[str] = ()) -> Task:
    """The task of a run folder that was begun. Raises RunError where there is none."""
    if (folder / SEARCH_FOLDER / TASK_FILE).is_file():
        return read_task(folder / SEARCH_FOLDER / TASK_FILE, overrides)
    if not (folder / TASK_FILE).is_file():
        raise RunError(f"{folder}: not a run folder (no {TASK_FILE}).", "Give a task file to begin one.")
    return read_task(folder / TASK_FILE, overrides)
