"""Measure one way to do a task once, or take it from where it was kept. Knows nothing about the other ways.

A cell is a way with one seed on one number of training rows. What decides its answers (settings, rows, weights, the
version of this file) is hashed into the name of the file that keeps them, so that nothing is measured twice and nothing
stale is taken.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.backbones.open import Progress, backbone_of
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, Splits
from trimtab.evaluation.scorers.scorer import Scorer
from trimtab.inference.engine import Engine
from trimtab.kinds.baseline import Learning
from trimtab.kinds.choose import kind_of, template_of
from trimtab.kinds.kind import Kind
from trimtab.kinds.prediction import Prediction
from trimtab.methods.headed import BIAS, WEIGHT
from trimtab.methods.method import trained
from trimtab.prompts import is_dialogue
from trimtab.reports.figures import Cell, as_answers
from trimtab.runs.folder import PROMPT_FILE, TASK_FILE, check_folder, is_finished, write_json
from trimtab.runs.run import Run, load_run, zero_shot
from trimtab.settings.answers import AnswerSettings
from trimtab.settings.methods import FullSettings, HeadSettings
from trimtab.settings.task import Task
from trimtab.sources.cache import sha256_of
from trimtab.sources.places import local_or_known
from trimtab.tasks.resolve import resolve
from trimtab.tasks.rows import read_rows
from trimtab.tuning import metrics
from trimtab.tuning.folder import Enough, OnStep
from trimtab.tuning.prepare import prepare
from trimtab.tuning.run import finish, keep, train
from trimtab.ways.peak import PeakMemory
from trimtab.ways.ways import BaselineWay, MethodWay, WayKind, method_of

# Raised when cells measured before would come out otherwise now.
CELL_VERSION = 5
# Entry of a kept cell that all others are held against.
CHECKSUM = "sha256"
BATCH, ALONE = 32, 15
# Cells of this default are named as before there was a setting.
WORD_VECTORS: str = Task.model_fields["word_vectors"].default


@dataclass(frozen=True)
class Material:
    """What all cells of a comparison share.

    Attributes:
        task, base: the settings, and the folder at which their relative paths start.
        splits: the rows; `judged` of them are answered.
        words: label -> label words; none where answers are of another kind.
        pretrained: the backbone.
        scorer: what answers to the judged rows are scored by.
        folder: where cells and runs are kept.
        without_prompt: whether to measure what is left of tuned ways without their prompt.
        offline: do not use the network.
        enough: asked after every step of a training whether to leave it at that.
        alone: rows that are also answered alone, for the time of a request.
    """

    task: Task
    base: Path
    splits: Splits
    words: dict[str, list[str]]
    pretrained: Pretrained
    scorer: Scorer
    folder: Path
    without_prompt: bool = False
    offline: bool = False
    enough: Enough | None = None
    alone: int = ALONE
    _encoders: dict[str, Pretrained] = field(default_factory=dict, repr=False, compare=False)

    def of(self, way: WayKind) -> Material:
        """The same for a way that stands on the task's sentence encoder: that model, and the fields of a row alone.

        Raises:
            TrimtabError: there is no such encoder.
        """
        if not isinstance(way, MethodWay) or not way.encoder:
            return self
        task, name = self.task, self.task.embeddings
        plain = " ".join(f"{{{name}}}" for name in self.kind.template(task).fields) + "{answer}" * (
            "{answer}" in task.template.text
        )
        template = task.template.model_copy(update={"text": plain, "chat": False})
        task = task.model_copy(update={"backbone": name, "task": "", "template": template})
        if name not in self._encoders:
            self._encoders[name] = backbone_of(task, self.base, offline=self.offline)
        return replace(self, task=task, pretrained=self._encoders[name])

    @property
    def judged(self) -> list[Example]:
        """Test, or dev where there is none."""
        return self.splits.test or self.splits.dev

    @property
    def kind(self) -> Kind[Any]:
        """The kind of answer."""
        return kind_of(self.task.answer)

    @property
    def answer(self) -> AnswerSettings:
        """The kind of answer and how it is found; what it is scored by is left out."""
        own = self.task.answer
        return own.model_copy(update=dict.fromkeys(own.scored_by))


def measure(
    way: WayKind, seed: int, material: Material, *, on_step: OnStep | None = None, progress: Progress | None = None
) -> Cell:
    """A cell, measured or as it was kept.

    Raises:
        TrimtabError: whatever keeps the way from being measured.
        KeyboardInterrupt: the user stopped its training, which goes on when it is asked for again.
    """
    material = material.of(way)
    task = _task_of(way, seed, material)
    name = _name(way, seed, material, task)
    kept = material.folder / "cells" / f"{name}.json"
    if (cell := _read(kept)) is not None:
        return cell
    began = time.monotonic()
    if isinstance(way, BaselineWay):
        cell = _measure_baseline(way, seed, material)
    else:
        assert task is not None
        cell = _measure_method(way, seed, task, material, material.folder / "runs" / name, on_step, progress)
    cell = replace(cell, seconds=max(time.monotonic() - began, cell.train_seconds))
    _write(kept, cell)
    return cell


def is_kept(way: WayKind, seed: int, material: Material) -> bool:
    """Whether the cell need not be measured."""
    material = material.of(way)
    task = _task_of(way, seed, material)
    name = _name(way, seed, material, task)
    return _read(material.folder / "cells" / f"{name}.json") is not None


def run_folder(way: WayKind, seed: int, material: Material) -> Path:
    """Where the run of a way by a method is kept."""
    material = material.of(way)
    return material.folder / "runs" / _name(way, seed, material, _task_of(way, seed, material))


def _task_of(way: WayKind, seed: int, material: Material) -> Task | None:
    """The task as the way does it; None for baselines."""
    if not isinstance(way, MethodWay):
        return None
    task = material.task
    train = task.train.model_copy(update={"seed": seed, "runs": 1, "ensemble": False})
    return task.model_copy(update={"method": method_of(way, task), "train": train, "answer": material.answer})


def fingerprint(examples: Sequence[Example]) -> str:
    """SHA-256 of rows: their fields, answers, options and tokens, in order."""
    rows = [[dict(sorted(e.fields.items())), e.answer, *([e.decides] if e.decides else [])] for e in examples]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def _name(way: WayKind, seed: int, material: Material, task: Task | None) -> str:
    """What a cell is kept as: readable, and with a hash of what decides its answers."""
    splits = material.splits
    decides: dict[str, Any] = {
        "version": CELL_VERSION,
        "trimtab": version("trimtab"),
        "way": way.key,
        "seed": seed,
        "rows": [fingerprint(part) for part in (splits.train, splits.dev, material.judged)],
        "labels": list(material.words),
        "language": material.task.language,
        "precision": str(material.pretrained.backbone.dtype),
        "rules": material.task.rules if way.key == "rules" else None,
    }
    if way.key in ("embeddings", "setfit"):
        named = material.task.embeddings
        decides["embeddings"] = [named, weights_at(named, material.base), material.task.train.precision]
    if way.key in ("word_vectors", "word_vector_ridge"):
        named, content = material.task.word_vectors, weights_at(material.task.word_vectors, material.base)
        if content or named != WORD_VECTORS:
            decides["word_vectors"] = [named, content]
    if not material.kind.counted_by_label:
        decides["answer"] = material.answer.model_dump(mode="json")
    if task is not None:
        machine = {"threads", "device", "checkpoint_seconds"}
        decides |= {
            "task": task.task,
            "template": task.template.model_dump(mode="json"),
            "labels": [material.words, task.labels.length_normalise],
            "method": task.method.model_dump(mode="json"),
            "train": task.train.model_dump(mode="json", exclude=machine),
            "weights": [material.pretrained.content_hash, dict(material.pretrained.files)],
            "without_prompt": material.without_prompt and way.group == "tuned" and material.scorer.metric.name,
        }
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
    return f"{way.key}-{len(splits.train)}-{seed}-{digest}"


def weights_at(name: str, base: Path) -> str:
    """SHA-256 of a file, or of those of a model's folder, so that other weights in it are another model.

    "" where the name is neither: what is fetched is the same under one name.
    """
    folder = Path(local_or_known(name, base))
    if folder.is_file():
        return sha256_of(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    each = [[path.relative_to(folder).as_posix(), sha256_of(path)] for path in files]
    return hashlib.sha256(json.dumps(each).encode()).hexdigest() if each else ""


def _measure_baseline(way: BaselineWay, seed: int, material: Material) -> Cell:
    assert way.baseline is not None
    kind, splits = material.kind, material.splits
    classes = kind.classes(splits, material.words)
    began = time.perf_counter()
    task = material.task
    task = task.model_copy(update={"train": task.train.model_copy(update={"seed": seed})})
    given = Learning(splits.train, material.judged, task, classes, material.offline, material.base)
    answers = kind.comparable(way.baseline.answers(given))
    return Cell(seed, answers, train_seconds=time.perf_counter() - began)


def _measure_method(
    way: WayKind, seed: int, task: Task, material: Material, folder: Path, on_step: OnStep | None,
    progress: Progress | None,
) -> Cell:  # fmt: skip
    pretrained = material.pretrained
    run, peak = _run_of(task, material, folder, on_step, progress)
    answers, alone, speed = answers_of(run, pretrained, material.judged, progress, way.name, material.alone)
    cell = Cell(
        seed,
        answers,
        dev_score=run.facts["dev_accuracy"][run.kept] if way.group == "tuned" else None,
        train_seconds=metrics.seconds(folder),
        peak_memory_bytes=peak,
        latency_seconds=alone,
        batch_rows_per_second=speed,
        trained_parameters=sum(x.numel() for tensors in run.answering for x in trained(tensors).values()),
        bytes_on_disk=(folder / PROMPT_FILE).stat().st_size if way.group == "tuned" else 0,
    )
    if material.without_prompt and way.group == "tuned":
        bare = _without_prompt(run, pretrained)
        left, _, _ = answers_of(bare, pretrained, material.judged, progress, f"{way.name} without its prompt")
        cell = replace(cell, without_prompt=material.scorer.score(material.scorer.rows(left)))
    if isinstance(task.method, FullSettings):  # hundreds of megabytes that answer nothing any more
        (folder / PROMPT_FILE).unlink()
    return cell


def _run_of(
    task: Task, material: Material, folder: Path, on_step: OnStep | None, progress: Progress | None
) -> tuple[Run, int | None]:
    """The run of a cell, and the most memory its training took; None where it was trained, but not scored, before."""
    begun = (folder / TASK_FILE).exists()
    if begun and is_finished(folder):
        return load_run(folder), None
    check_folder(folder, resume=begun)
    rows = read_rows(task, material.base, material.splits)
    with PeakMemory(material.pretrained.backbone.device) as peak:
        prepared = prepare(resolve(rows, material.pretrained, progress), progress)
        stop = train(prepared, folder, on_step, material.enough)
        run = keep(prepared, folder, stop)
    if stop is not None and stop.by_user:
        raise KeyboardInterrupt
    finish(folder)
    return run, peak.bytes


def answers_of(
    run: Run, pretrained: Pretrained, examples: Sequence[Example], progress: Progress | None, name: str,
    singly: int = ALONE,
) -> tuple[NDArray[Any], float | None, float]:  # fmt: skip
    """Answers given [N] (see `Cell`), the median seconds of a request alone, and rows a second in batches.

    The first `singly` rows are answered alone too; where that is 0, no time of a request is known.

    Raises:
        TrimtabError: the run is of another backbone, or a row does not fit.
    """
    engine = Engine(pretrained)
    bound = engine.add("run", run)
    alone = []
    for example in examples[:singly]:
        began = time.perf_counter()
        engine.answer_examples("run", [example])
        alone.append(time.perf_counter() - began)
    answers: list[Prediction] = []
    began = time.perf_counter()
    for start in range(0, len(examples), BATCH):
        if progress:
            progress(f"scoring {name}", start, len(examples))
        chunk = engine.answer_examples("run", examples[start : start + BATCH])
        answers += chunk
    speed = len(examples) / (time.perf_counter() - began)
    classes = bound.kind.classes(Splits([], [], list(examples)), run.words)
    found = bound.kind.comparable(bound.kind.collected(answers, classes))
    return found, float(np.median(alone)) if alone else None, speed


def _without_prompt(run: Run, pretrained: Pretrained) -> Run:
    """The run with its prompt taken away: its vectors, or, where it has none, the words of its template.

    Of a dialogue that is the task description alone. Where a head answers that was trained along, it is what is left.
    """
    method = run.task.method
    if not (method.changes_weights or isinstance(method, HeadSettings)):
        bare, [tensors] = zero_shot(run.task, run.words, pretrained), run.answering
        if WEIGHT not in tensors:
            return bare
        task = bare.task.model_copy(update={"method": HeadSettings()})
        return replace(bare, task=task, tensors=({"weight": tensors[WEIGHT], "bias": tensors[BIAS]},))
    text = run.task.template.text
    if not is_dialogue(text):
        fields = " ".join(f"{{{field}}}" for field in template_of(run.task).fields)
        text = f"{fields}{{answer}}" if "{answer}" in text else fields
    template = run.task.template.model_copy(update={"text": text})
    return replace(run, task=run.task.model_copy(update={"template": template, "task": ""}))


def _read(path: Path) -> Cell | None:
    """A cell as it was kept; None where there is none, or not as it was written. Those of Trimtab 0.1.0 do not tell."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop(CHECKSUM, None) not in (None, _checksum(content)):
            return None
        return Cell(**{**content, "answers": as_answers(content["answers"]), "notes": tuple(content["notes"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write(path: Path, cell: Cell) -> None:
    content = {**asdict(cell), "answers": cell.answers.tolist()}
    write_json(path, {**content, CHECKSUM: _checksum(content)})


def _checksum(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
