"""`trimtab evaluate`: score a run on labelled examples, beside other ways of doing the task, and write its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.data import Splits, load_splits, read_test
from trimtab.data.memory import RowsInMemory
from trimtab.data.records import InMemory
from trimtab.errors import TaskError
from trimtab.kinds.choose import kind_of
from trimtab.kinds.kind import Kind
from trimtab.runs.run import described
from trimtab.settings.task import DataSettings, Precision
from trimtab.sources.places import absolute, is_here

if TYPE_CHECKING:
    from trimtab.backbones.open import Progress
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.reports.run_report import RunReport


def run(
    folder: Path | str,
    *,
    test: str | Path | RowsInMemory | None = None,
    out: Path | str | None = None,
    precision: Precision | None = None,
    offline: bool = False,
    agree: bool = False,
    beside: bool = True,
    run_code: bool = False,
    by: Sequence[str] = (),
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """Score a run again, on its own test data or on other data.

    Args:
        folder: the run.
        test: other examples to score, instead of the task's own test: a file, or rows in memory (see
            `trimtab.jobs.tune.run`).
        out: folder for report.json, report.html and card.md; the run folder by default.
        offline, agree: see `trimtab.sources.find_model`.
        beside: score majority, naive Bayes and the backbone without a prompt too.
        precision: what to compute in; by default what the run was trained in.
        run_code: run answers in free text as Python programs, in a sandbox, against the tests of their rows.
        by: columns that scores are told apart by, beside those of the run's task (`data.slices`).
        pretrained: a backbone in memory, where the caller has one.
        progress: told what is being done.

    Raises:
        TrimtabError: whatever is wrong with the run, the data or the backbone.
    """
    folder, out = Path(folder), None if out is None else Path(out)
    test = str(test) if isinstance(test, Path) else test
    task, words = described(folder)
    kind, data = kind_of(task.answer), task.data
    if run_code and kind.tests is None:
        raise TaskError(
            f"{folder}: the task of this run names no column of tests, so there are no programs to run.",
            "Set answer.tests in the run's task.yaml, or leave --run-code out.",
        )
    data = data.model_copy(update={"slices": list(dict.fromkeys([*data.slices, *by]))})
    data, splits = _read(data, kind, test, kind.template(task).fields)
    for part in (splits.train, splits.dev, splits.test):
        kind.check_rows(part, words)

    from trimtab.backbones.open import backbone_of  # loads torch: mistakes in the run and its rows are told before
    from trimtab.judging.report import report_before, report_of
    from trimtab.reports.run_report import Cost
    from trimtab.runs.run import load_run

    tuned = load_run(folder)
    if pretrained is None:
        pretrained = backbone_of(
            tuned.task, Path.cwd(), precision=precision, offline=offline, agree=agree, progress=progress
        )
    before = report_before(folder)
    return report_of(
        tuned, pretrained, splits, folder=out or folder, beside=beside, notes=splits.note, data=data,
        curve=before.curve if before else [], cost=before.cost if before else Cost(), progress=progress,
        run_code=run_code,
    )  # fmt: skip


def _read(
    data: DataSettings, kind: Kind[Any], test: str | RowsInMemory | None, fields: tuple[str, ...]
) -> tuple[DataSettings, Splits]:
    """The rows to score and those that baselines learn from, and where they came from."""
    given = InMemory("test", test) if test is not None and not isinstance(test, str) else None
    if test is not None:
        source = None if given else absolute(test, Path.cwd())
        data = data.model_copy(update={"test": source, "test_limit": None})
    if test is not None and not is_here(data.train):
        note = f"train is not here: {kind.learnt_from_train} are left out"
        examples, done = read_test(given or data.test or "", fields, data, kind, base=Path.cwd())
        splits = Splits([], [], examples, [note, *done])
    else:
        rows = {"test": given.rows} if given else None
        splits = load_splits(data, fields, kind, base=Path.cwd(), rows=rows)
    return data, splits
