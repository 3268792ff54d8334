"""`trimtab evaluate RUN_A RUN_B`: runs that are there, on the same rows, with what is chance. Nothing is trained."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from trimtab.data import Example, load_splits, read_test
from trimtab.data.example import TextExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.programs import programs_of
from trimtab.kinds.choose import kind_of
from trimtab.reports.choosing import choose
from trimtab.reports.comparison import Comparison
from trimtab.reports.figures import Cell, Measured, compare, disagreements
from trimtab.reports.files import write_comparison
from trimtab.runs.folder import PROMPT_FILE, make_folder
from trimtab.runs.run import described, load_run
from trimtab.runs.trained_on import trained_on
from trimtab.settings.task import Precision, Task
from trimtab.sources.places import absolute

if TYPE_CHECKING:
    from trimtab.backbones.open import Progress
    from trimtab.backbones.pretrained import Pretrained
    from trimtab.runs.run import Run


def run(
    folders: Sequence[Path | str],
    *,
    test: str | Path | None = None,
    out: Path | str | None = None,
    precision: Precision | None = None,
    offline: bool = False,
    agree: bool = False,
    run_code: bool = False,
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Score runs on the same rows and compare them with the first.

    Args:
        folders: run folders, of tasks with the same labels; their backbones may differ.
        test: the rows, instead of the first run's own test.
        out: folder for compare.json and compare.html; they are not written without.
        precision: what to compute in; by default what each run was trained in.
        offline, agree: see `trimtab.sources.find_model`.
        run_code: run answers in free text as Python programs, in a sandbox, against the tests of their rows.
        pretrained: a backbone in memory, where the caller has one.
        progress: told what is being done.

    Raises:
        TrimtabError: whatever is wrong with the runs, the rows or the backbones; the same folder twice.
    """
    began = time.monotonic()
    places, out = [Path(folder) for folder in folders], None if out is None else Path(out)
    task, words = _same_task(places)
    part, examples = _rows(task, None if test is None else str(test))
    labels, kind = list(words), kind_of(task.answer)
    kind.check_rows(examples, words)
    examples, warnings = _unseen(places, part, examples)
    passes = programs_of(kind.tests, cast("Sequence[TextExample]", examples), progress=progress) if run_code else None
    scorer = kind.scorer(examples, labels, task, passes)

    from trimtab.backbones.open import backbone_of  # loads torch: mistakes in the runs and their rows are told before
    from trimtab.judging.facts import made_with
    from trimtab.ways.cells import fingerprint

    runs = [load_run(folder) for folder in places]
    first = runs[0]
    measured, opened = [], pretrained
    for tuned in runs:
        if opened is None or not tuned.is_of(opened):
            opened = backbone_of(
                tuned.task, Path.cwd(), precision=precision, offline=offline, agree=agree, progress=progress
            )
        if first.is_of(opened):
            facts = made_with(task, first.backbone, opened)
        measured.append(Measured(tuned.name, tuned.name, "tuned", [_cell(tuned, opened, examples, labels, progress)]))
    found = compare(measured, scorer, first.name)
    made = choose(Comparison(
        **facts,
        answer=task.answer.kind,
        wording=kind.wording(scorer),
        metric=scorer.metric,
        others=list(scorer.others),
        labels=labels,
        train_rows=0,
        dev_rows=len(examples) if part == "dev" else 0,
        test_rows=len(examples) if part == "test" else 0,
        splits={part: fingerprint(examples)},
        split=part,
        reference=first.name,
        ways=found.ways,
        luck=found.luck,
        disagreements=disagreements(measured, examples, scorer, first.name),
        seconds=time.monotonic() - began,
        warnings=warnings,
    ), found.against_best)  # fmt: skip
    if out is not None:
        make_folder(out)
        write_comparison(out, made)
    return made


def _same_task(folders: Sequence[Path]) -> tuple[Task, dict[str, list[str]]]:
    """The task and label words of the first run, where the others can be compared with it."""
    task, words = described(folders[0])
    for at, folder in enumerate(folders[1:], 1):
        own, own_words = described(folder)
        if folder in folders[:at]:
            raise TrimtabError(f"{folder}: given twice.", "Give each run once.")
        if type(own.answer) is not type(task.answer):
            raise TrimtabError(
                f"{folder}: its answers are {own.answer.plural}; those of {folders[0]} are {task.answer.plural}.",
                "Compare runs of the same task.",
            )
        if set(own_words) != set(words):
            raise TrimtabError(
                f"{folder}: its labels are {', '.join(own_words)}; those of {folders[0]} are {', '.join(words)}.",
                "Compare runs of the same task.",
            )
    return task, words


def _rows(task: Task, test: str | None) -> tuple[str, list[Example]]:
    """The part that is scored, and its rows."""
    data, kind = task.data, kind_of(task.answer)
    fields = kind.template(task).fields
    if test is not None:
        return "test", read_test(absolute(test, Path.cwd()) or "", fields, data, kind, base=Path.cwd())[0]
    splits = load_splits(data, fields, kind, base=Path.cwd())
    return ("test", splits.test) if splits.test else ("dev", splits.dev)


def _unseen(folders: Sequence[Path], part: str, examples: list[Example]) -> tuple[list[Example], list[str]]:
    """The rows that none of the runs was trained on, and what was left out.

    Raises:
        TrimtabError: there are none.
    """
    warnings, left = [], set(range(len(examples)))
    for folder in folders:
        seen = trained_on(folder)
        if seen is None:
            warnings.append(f"{folder} does not say what it was trained on: rows that it knows cannot be told.")
            continue
        leak = seen.among(examples)
        left &= set(leak.clean)
        if leak:
            count = len(examples) - len(leak.clean)
            rows = "row, on which" if count == 1 else "rows, on which"
            warnings.insert(0, f"{count:,} of {len(examples):,} {part} {rows} {folder} was trained, left out.")
    if not left:
        raise TrimtabError(
            f"every {part} row is one that a run was trained on.", "Name other rows to score with --test."
        )
    return [examples[i] for i in sorted(left)], warnings


def _cell(
    tuned: Run, pretrained: Pretrained, examples: Sequence[Example], labels: list[str], progress: Progress | None
) -> Cell:
    from trimtab.judging.report import report_before
    from trimtab.methods.method import trained
    from trimtab.ways.cells import answers_of

    answers, alone, speed = answers_of(tuned, pretrained, examples, progress, tuned.name)
    kind, own = kind_of(tuned.task.answer), list(tuned.words)  # its labels may stand in another order
    before = report_before(Path(tuned.name))
    file = Path(tuned.name) / PROMPT_FILE
    return Cell(
        seed=tuned.task.train.seed,
        answers=np.array([labels.index(own[i]) for i in answers.tolist()]) if kind.counted_by_label else answers,
        train_seconds=(before.cost.train_seconds if before else None) or 0.0,
        peak_memory_bytes=before.cost.peak_memory_bytes if before else None,
        dev_score=tuned.facts["dev_accuracy"][tuned.kept],
        latency_seconds=alone,
        batch_rows_per_second=speed,
        trained_parameters=sum(x.numel() for tensors in tuned.answering for x in trained(tensors).values()),
        bytes_on_disk=file.stat().st_size,
    )
