"""`trimtab evaluate`: score a run on labelled examples, beside other ways of doing the task, and write its report."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trimtab.backbones.open import Progress, backbone_of
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, Splits, check_labels, load_splits, read_test
from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.labels import answer_ids
from trimtab.inference.bound import BoundTask, template_of
from trimtab.inference.engine import Engine
from trimtab.jobs.folder import make_folder
from trimtab.jobs.judging import RUN, ZERO_SHOT, judge, option_names
from trimtab.methods.method import trained
from trimtab.reports.files import write_report
from trimtab.reports.run_report import (
    BackboneFacts,
    Cost,
    CurvePoint,
    DataFacts,
    MachineFacts,
    MethodFacts,
    RunFacts,
    RunReport,
)
from trimtab.runs.folder import PROMPT_FILE
from trimtab.runs.run import Run, as_given, load_run, zero_shot
from trimtab.settings.answers import ChoiceAnswer, LabelAnswer, NumberAnswer, TagsAnswer, TextAnswer
from trimtab.settings.methods import ZeroShotSettings
from trimtab.settings.task import DataSettings, Task


def run(
    folder: Path,
    *,
    test: str | None = None,
    out: Path | None = None,
    offline: bool = False,
    agree: bool = False,
    beside: bool = True,
    run_code: bool = False,
    pretrained: Pretrained | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """Score a run again, on its own test data or on other data.

    Args:
        folder: the run.
        test: other examples to score, instead of the task's own test.
        out: folder for report.json, report.html and card.md; the run folder by default.
        offline, agree: see `trimtab.sources.find_model`.
        beside: score majority, naive Bayes and the backbone without a prompt too.
        run_code: run answers in free text as Python programs, in a sandbox, against the tests of their rows.
        pretrained: a backbone in memory, where the caller has one.
        progress: told what is being done.

    Raises:
        TrimtabError: whatever is wrong with the run, the data or the backbone.
    """
    tuned = load_run(folder)
    if run_code and not (isinstance(tuned.task.answer, TextAnswer) and tuned.task.answer.tests):
        raise TrimtabError(
            f"{folder}: the task of this run names no column of tests, so there are no programs to run.",
            "Set answer.tests in the run's task.yaml, or leave --run-code out.",
        )
    data = tuned.task.data
    if test is not None:
        data = data.model_copy(update={"test": absolute(test, Path.cwd()), "test_limit": None})
    fields, answer = template_of(tuned.task).fields, tuned.task.answer
    if test is not None and not _is_here(data.train):
        left_out = {
            "label": "majority and naive Bayes", "choice": "majority", "number": "mean and ridge regression",
            "tags": "the commonest tags", "text": "nearest answers",
        }  # fmt: skip
        note = f"train is not here: {left_out[answer.kind]} are left out"
        rows, done = read_test(data.test or "", fields, data, answer, base=Path.cwd())
        splits = Splits([], [], rows, [note, *done])
    else:
        splits = load_splits(data, fields, answer, base=Path.cwd())
    if pretrained is None:
        pretrained = backbone_of(tuned.task, Path.cwd(), offline=offline, agree=agree, progress=progress)
    before = report_before(folder)
    return report_of(
        tuned, pretrained, splits, folder=out or folder, beside=beside, notes=splits.note, data=data,
        curve=before.curve if before else [], cost=before.cost if before else Cost(), progress=progress,
        run_code=run_code,
    )  # fmt: skip


def report_of(
    tuned: Run,
    pretrained: Pretrained,
    splits: Splits,
    *,
    folder: Path,
    beside: bool,
    notes: Sequence[str],
    curve: list[CurvePoint],
    cost: Cost,
    data: DataSettings | None = None,
    progress: Progress | None = None,
    run_code: bool = False,
) -> RunReport:
    """Score a run on dev and test, make its report and write it to `folder`.

    Args:
        tuned, pretrained, splits: the run, its backbone, and the examples.
        beside: score other ways of doing the task too.
        notes: what was done to the data, a sentence each.
        curve, cost: of the training; the speed of answering is added.
        data: where the examples came from, if not as the run's task says.
        progress: told what is being done.
        run_code: run answers as programs (see `run`).
    """
    labels = _labels(tuned, splits)
    make_folder(folder)
    engine = Engine(pretrained)
    bound = engine.add(RUN, tuned)
    judged = splits.test or splits.dev
    words = not isinstance(tuned.task.answer, NumberAnswer | TagsAnswer) and pretrained.backbone.scores_words
    if beside and judged and words and tuned.task.method != ZeroShotSettings():
        engine.add(ZERO_SHOT, zero_shot(*as_given(tuned), pretrained))
    found = judge(engine, tuned.task, labels, splits, beside=beside, progress=progress, run_code=run_code)
    if found.seconds is not None:
        cost = cost.model_copy(update={"predict_rows_per_second": len(splits.test) / found.seconds})
    cut = [f"{found.cut} of {len(judged)} rows were shortened to fit."] if found.cut else []
    notes = [*notes, *_unseen(tuned.task, splits), *cut]
    report = RunReport(
        **made_with(tuned.task, tuned.backbone, pretrained),
        method=_method_facts(tuned, bound.method.tokens or bound.template.soft),
        data=_data_facts(splits, labels, data or tuned.task.data, notes),
        cost=cost,
        curve=curve,
        runs=_run_facts(tuned),
        answer=tuned.task.answer.kind,
        number=found.number,
        tags=found.tags,
        written=found.written,
        baselines=found.baselines,
        dev=found.dev,
        test=found.test,
        template_example=_as_read(bound, (judged or splits.train)[0]),
        label_words=bound.label_words(),
        warnings=_warnings(tuned),
    )
    write_report(folder, report)
    return report


def _labels(tuned: Run, splits: Splits) -> list[str]:
    """What the scores are of: the run's labels, which all rows must have, or the options of a choice."""
    if isinstance(tuned.task.answer, ChoiceAnswer):
        return option_names(splits)
    labels = list(tuned.words)
    if isinstance(tuned.task.answer, LabelAnswer):
        for part in (splits.train, splits.dev, splits.test):
            check_labels(part, labels)
    return labels


def _unseen(task: Task, splits: Splits) -> list[str]:
    """A note on tags of dev and test that the run does not know, so that it cannot give them."""
    known = set(task.answer.tags or ()) if isinstance(task.answer, TagsAnswer) else set()
    notes = []
    for name, rows in (("dev", splits.dev), ("test", splits.test)):
        unseen = Counter(tag for e in rows for tag in e.tags or () if tag not in known)
        if unseen:
            named = ", ".join(sorted(unseen)[:8]) + (", ..." if len(unseen) > 8 else "")
            notes.append(f"{name}: {unseen.total()} tokens have tags that train lacks ({named}), and are missed.")
    return notes


def _method_facts(tuned: Run, length: int) -> MethodFacts:
    file = Path(tuned.name) / PROMPT_FILE
    calibrated = ", calibrated" if getattr(tuned.task.method, "calibrate", False) else ""
    return MethodFacts(
        name=tuned.task.method.title + calibrated,
        length=length or None,
        trained_parameters=sum(x.numel() for tensors in tuned.answering for x in trained(tensors).values()),
        bytes_on_disk=file.stat().st_size if file.is_file() else 0,
    )


def _data_facts(splits: Splits, labels: Sequence[str], data: DataSettings, notes: Sequence[str]) -> DataFacts:
    parts = {"train": splits.train, "dev": splits.dev, "test": splits.test}
    return DataFacts(
        train_rows=len(splits.train),
        dev_rows=len(splits.dev),
        test_rows=len(splits.test),
        sources={part: source for part in parts if (source := getattr(data, part))},
        label_counts={
            part: dict(zip(labels, np.bincount(answer_ids(rows, labels), minlength=len(labels)).tolist(), strict=True))
            for part, rows in parts.items()
            if rows and labels
        },
        language=_language([e for rows in parts.values() for e in rows[:200]]),
        notes=list(notes),
    )


def made_with(task: Task, backbone: Mapping[str, str], pretrained: Pretrained) -> dict[str, Any]:
    """What reports and comparisons say of the task and of what it was done with, by field.

    Args:
        task: the settings.
        backbone: what the run remembers of it (`backbone_facts`).
        pretrained: the backbone.
    """
    return {
        "name": task.name,
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "trimtab": version("trimtab"),
        "task": task.task,
        "backbone": BackboneFacts(**backbone, parameters=pretrained.backbone.parameters),
        "machine": _machine_facts(pretrained),
        "settings": task.model_dump(mode="json"),
    }


def _machine_facts(pretrained: Pretrained) -> MachineFacts:
    """What the backbone runs on."""
    precision = str(pretrained.backbone.dtype).removeprefix("torch.")
    return MachineFacts(cpu=_processor(pretrained), threads=torch.get_num_threads(), precision=precision)


def _run_facts(tuned: Run) -> list[RunFacts]:
    reached = zip(tuned.facts["seeds"], tuned.facts["dev_accuracy"], strict=True)
    return [
        RunFacts(seed=seed, dev_accuracy=accuracy, kept=tuned.task.train.ensemble or k == tuned.kept)
        for k, (seed, accuracy) in enumerate(reached)
    ]


def _as_read(bound: BoundTask, example: Example) -> str:
    """How a row reads as text, demonstrations before it, answer included."""
    [row] = bound.encode([(example.fields, example.where)], [example.options], [example.tokens])
    shown = str(bound.pretrained.tokenizer.decode([*bound.shown, *row.ids[: row.demonstrations]]))
    return shown + bound.as_read(example.fields, example.answer or next(iter(bound.labels), ""), row)


def _is_here(source: str | None) -> bool:
    """Whether a data source of a resolved task can still be read: its file may have stayed on another machine."""
    from trimtab.sources import is_known_data

    return source is not None and (Path(source).exists() or source.startswith("hub:") or is_known_data(source))


def absolute(source: str | None, base: Path) -> str | None:
    """A data source that means the same from any folder: files become absolute, names stay."""
    if source is None or source == "-" or source.startswith("hub:"):
        return source
    from trimtab.sources import is_known_data

    path = base / source
    return source if not path.exists() and is_known_data(source) else str(path.resolve())


def _warnings(tuned: Run) -> list[str]:
    facts = tuned.facts
    found = [tuned.task.notice] if tuned.task.notice else []
    if facts["stopped"]:
        found.append(f"Training was stopped at step {facts['steps']} of {facts['planned_steps']}; `--resume` goes on.")
    elif facts["steps"] < facts["planned_steps"]:
        found.append(
            f"Training ended at step {facts['steps']} of {facts['planned_steps']}, as dev had not improved for "
            f"{tuned.task.train.patience} evaluations (train.patience)."
        )
    return found


def report_before(folder: Path) -> RunReport | None:
    """The report that a run folder holds, if it does."""
    from trimtab.reports.files import read_report

    try:
        return read_report(folder / "report.json")
    except TrimtabError:
        return None


def _language(examples: Sequence[Example]) -> str:
    text = "".join(value for example in examples for value in example.fields.values())
    han = sum("\u4e00" <= c <= "\u9fff" for c in text)
    latin = sum(c.isascii() and c.isalpha() for c in text)
    if not han and not latin:
        return ""
    share = han / (han + latin / 5)
    return "zh" if share > 0.8 else "en" if share < 0.05 else "mixed"


def _processor(pretrained: Pretrained) -> str:
    if pretrained.backbone.device.type == "cuda":
        return torch.cuda.get_device_name(pretrained.backbone.device)
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
