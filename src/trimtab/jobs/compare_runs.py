"""`trimtab evaluate RUN_A RUN_B`: runs that are there, on the same rows, with what is chance. Nothing is trained."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from trimtab.backbones.open import Progress, backbone_of
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, load_splits, read_test
from trimtab.data.example import TextExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.programs import programs_of
from trimtab.judging.facts import made_with
from trimtab.judging.report import report_before
from trimtab.kinds.choose import kind_of
from trimtab.methods.method import trained
from trimtab.reports.choosing import choose
from trimtab.reports.comparison import Comparison
from trimtab.reports.figures import Cell, Measured, compare, disagreements
from trimtab.reports.files import write_comparison
from trimtab.runs.folder import PROMPT_FILE, make_folder
from trimtab.runs.run import Run, load_run
from trimtab.sources.places import absolute
from trimtab.ways.cells import answers_of, fingerprint


def run(
    folders: Sequence[Path],
    *,
    test: str | None = None,
    out: Path | None = None,
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
        offline, agree: see `trimtab.sources.find_model`.
        run_code: run answers in free text as Python programs, in a sandbox, against the tests of their rows.
        pretrained: a backbone in memory, where the caller has one.
        progress: told what is being done.

    Raises:
        TrimtabError: whatever is wrong with the runs, the rows or the backbones; the same folder twice.
    """
    began = time.monotonic()
    runs = _load(folders)
    first = runs[0]
    part, examples = _rows(first, test)
    labels = list(first.words)
    kind = kind_of(first.task.answer)
    kind.check_rows(examples, first.words)
    passes = programs_of(kind.tests, cast("Sequence[TextExample]", examples), progress=progress) if run_code else None
    scorer = kind.scorer(examples, labels, first.task, passes)
    measured, opened = [], pretrained
    for tuned in runs:
        if opened is None or opened.content_hash != tuned.backbone["content_hash"]:
            opened = backbone_of(tuned.task, Path.cwd(), offline=offline, agree=agree, progress=progress)
        if opened.content_hash == first.backbone["content_hash"]:
            facts = made_with(first.task, first.backbone, opened)
        measured.append(Measured(tuned.name, tuned.name, "tuned", [_cell(tuned, opened, examples, labels, progress)]))
    ways, against_best = compare(measured, scorer, first.name)
    made = choose(Comparison(
        **facts,
        answer=first.task.answer.kind,
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
        ways=ways,
        disagreements=disagreements(measured, examples, scorer, first.name),
        seconds=time.monotonic() - began,
    ), against_best)  # fmt: skip
    if out is not None:
        make_folder(out)
        write_comparison(out, made)
    return made


def _load(folders: Sequence[Path]) -> list[Run]:
    """The runs, where they can be compared."""
    runs = [load_run(folder) for folder in folders]
    first = runs[0]
    for at, tuned in enumerate(runs):
        if tuned.name in {before.name for before in runs[:at]}:
            raise TrimtabError(f"{tuned.name}: given twice.", "Give each run once.")
        if type(tuned.task.answer) is not type(first.task.answer):
            raise TrimtabError(
                f"{tuned.name}: its answers are {tuned.task.answer.plural}; those of {first.name} are "
                f"{first.task.answer.plural}.",
                "Compare runs of the same task.",
            )
        if set(tuned.words) != set(first.words):
            raise TrimtabError(
                f"{tuned.name}: its labels are {', '.join(tuned.words)}; those of {first.name} are "
                f"{', '.join(first.words)}.",
                "Compare runs of the same task.",
            )
    return runs


def _rows(first: Run, test: str | None) -> tuple[str, list[Example]]:
    """The part that is scored, and its rows."""
    data, kind = first.task.data, kind_of(first.task.answer)
    fields = kind.template(first.task).fields
    if test is not None:
        return "test", read_test(absolute(test, Path.cwd()) or "", fields, data, kind, base=Path.cwd())[0]
    splits = load_splits(data, fields, kind, base=Path.cwd())
    return ("test", splits.test) if splits.test else ("dev", splits.dev)


def _cell(
    tuned: Run, pretrained: Pretrained, examples: Sequence[Example], labels: list[str], progress: Progress | None
) -> Cell:
    answers, alone, speed = answers_of(tuned, pretrained, examples, progress, tuned.name)
    kind, own = kind_of(tuned.task.answer), list(tuned.words)  # its labels may stand in another order
    before = report_before(Path(tuned.name))
    file = Path(tuned.name) / PROMPT_FILE
    return Cell(
        seed=tuned.task.train.seed,
        answers=np.array([labels.index(own[i]) for i in answers.tolist()]) if kind.counted_by_label else answers,
        train_seconds=(before.cost.train_seconds if before else None) or 0.0,
        peak_memory_bytes=before.cost.peak_memory_bytes if before else None,
        latency_seconds=alone,
        batch_rows_per_second=speed,
        trained_parameters=sum(x.numel() for tensors in tuned.answering for x in trained(tensors).values()),
        bytes_on_disk=file.stat().st_size,
    )
