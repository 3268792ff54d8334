"""A training before its first step: rows as targets, plan, start and loop set up; what can be refused has been.

Knows nothing about run folders.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from trimtab.backbones.open import Progress
from trimtab.backbones.views.late import LateBackbone
from trimtab.data import Example, stratified_sample
from trimtab.errors import TaskError, TrimtabError
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.methods.method import Condition, Tensors, trained
from trimtab.methods.multitask import MultitaskPrompt, source
from trimtab.settings.methods import (
    HeadSettings,
    LatePromptSettings,
    MultitaskPromptSettings,
    SoftPromptSettings,
    WarpSettings,
)
from trimtab.settings.task import Task, TrainSettings
from trimtab.sources.places import from_anywhere
from trimtab.tasks.demonstrations import calibration
from trimtab.tasks.resolve import Resolved
from trimtab.training.fitting.fit import fit_dev_rows
from trimtab.training.joint import joint_loss
from trimtab.training.kept_rows import KeptStates
from trimtab.training.loop import Parameters, Plan, Training
from trimtab.training.objective import Objective
from trimtab.training.plan import Dev, make_plan
from trimtab.training.targets import Target, fingerprint
from trimtab.training.trainer import Trainer
from trimtab.tuning.heads import fit_of, fitted_start

# Settings of training in steps alone.
STEPPED = ("steps", "epochs", "batch_size", "rate", "optimiser", "schedule", "evaluate_every", "patience", "runs")
Conditioning = Callable[[Tensors, "torch.Generator | None"], Condition]


@dataclass(frozen=True)
class Prepared:
    """A training before its first step.

    Attributes:
        task: with everything picked written out.
        words: label -> label words.
        bound: the task bound to its backbone.
        start: tensors of each seed, those that are not trained among them.
        training: what carries it out, the loop or a fit.
        made_of: hashes of what a checkpoint can be taken up with.
        notes: what was done to the data, and picked, a sentence each.
        dev: rows that are chosen on.
        judged: those of them that are scored while training.
        facts: what the run remembers of how it was settled.
        choosing: seconds that choosing, or fitting, what is shown or started from took; 0 where nothing was.
    """

    task: Task
    words: dict[str, list[str]]
    bound: BoundTask
    start: Sequence[Tensors]
    training: Trainer
    made_of: dict[str, str]
    notes: list[str]
    dev: Sequence[Example]
    judged: Sequence[Example]
    facts: Mapping[str, Any]
    choosing: float


@dataclass(frozen=True)
class _Source:
    """Another task that a multitask prompt is trained on: bound, its rows as targets, and which of them it is."""

    bound: BoundTask
    train: list[Target]
    number: int

    def condition(self, tensors: Tensors, noise: torch.Generator | None) -> Condition:
        """How the tensors of a run condition the backbone for this task."""
        assert isinstance(self.bound.method, MultitaskPrompt)
        return self.bound.method.of(tensors, source(self.number), noise)


@dataclass(frozen=True)
class _Seeded:
    """How a run's parameters condition the backbone: with its tensors that are not trained, and its own noise.

    Attributes:
        start: tensors of each run.
        seeds: of each run.
        conditioning: the method's.
    """

    start: Sequence[Tensors]
    seeds: Sequence[int]
    conditioning: Conditioning

    def __call__(self, parameters: Parameters, step: int | None, run: int) -> Condition:
        """The condition at a step, or when judging (None) without noise."""
        noise = None if step is None else torch.Generator().manual_seed(self.seeds[run] * 1_000_003 + step)
        return self.conditioning({**self.start[run], **parameters}, noise)


def prepare(resolved: Resolved, progress: Progress | None = None) -> Prepared:
    """Encode the rows, plan, and set up the loop.

    Args:
        resolved: the task.
        progress: told what is being done, where that takes a while.

    Raises:
        TrimtabError: a row that does not fit, a start that will not do, another task that cannot be trained along.
    """
    bound, rows = resolved.bound, resolved.rows
    task, splits = bound.task, rows.splits
    train, cut = encode(bound, splits.train)
    sources = _sources(resolved)
    together = [*train, *chain.from_iterable(other.train for other in sources)]
    dev = encode(bound, splits.dev, 1)[0]
    of_dev = _cost_of_dev(bound, len(splits.dev), train, dev)
    plan = make_plan(task.train, len(together), bound.method.rate, generates=bound.kind.generates, dev=of_dev)
    start: list[Tensors] = [bound.method.initial(seed) for seed in plan.seeds]
    began, fits_first = time.perf_counter(), isinstance(task.method, WarpSettings) and task.method.vectors == "fitted"
    if fits_first:
        start = [fitted_start(bound, train, own, seed, progress) for own, seed in zip(start, plan.seeds, strict=True)]
    if not trained(start[0]):
        plan, start = replace(plan, steps=0, seeds=plan.seeds[:1]), [calibration(bound)]
    scored = fit_dev_rows(task.train, len(train), of_dev) if task.method.fitted else plan.dev_rows
    judged = stratified_sample(splits.dev, scored, task.data.seed)
    if scored < len(splits.dev):
        dev = encode(bound, judged, 1)[0]
    trainer: Trainer | None = None
    if task.method.fitted:  # no seed has a part in it
        start, trainer = start[:1], fit_of(bound, train, dev, of_dev.weight, plan.seeds[0])
    if trainer is None:
        trainer = _training(bound, plan, start, train, dev, sources)
        if fits_first:  # what is fitted may be the best already
            trainer.judge_start()
    choosing = resolved.choosing + (time.perf_counter() - began if fits_first else 0.0)
    files = json.dumps(dict(bound.pretrained.files), sort_keys=True)
    made_of = {"weights": bound.pretrained.content_hash, "files": files, "examples": fingerprint(together)}
    picked = [resolved.picked] if resolved.picked else []
    unused = _unused(task) if task.method.fitted else []
    notes = [*picked, *splits.note, *_noted(sources, resolved, len(train)), *resolved.notes, *cut, *unused]
    written = _written_out(bound, plan, len(splits.dev), resolved.words, rows.base)
    return Prepared(
        written, resolved.words, bound, start, trainer, made_of, notes, splits.dev, judged, resolved.facts, choosing,
    )  # fmt: skip


def _cost_of_dev(bound: BoundTask, examples: int, train: Sequence[Target], dev: Sequence[Target]) -> Dev:
    """So many examples of dev, and what one costs beside a row of train, by the tokens that are read of them."""
    of_dev, of_train = bound.kind.criterion(bound, train, dev, None).as_run(bound.pretrained.backbone)
    tokens = [sum(len(row.ids) for row in rows) for rows in (of_dev, of_train)]
    return Dev(examples, tokens[0] / max(examples, 1) / (tokens[1] / len(train)))


def encode(bound: BoundTask, examples: Sequence[Example], answers: int | None = None) -> tuple[list[Target], list[str]]:
    """Rows as the loop takes them, of several right answers the first `answers`, and notes where some were changed.

    Raises:
        TrimtabError: a row that does not fit.
    """
    rows = bound.encode(examples)
    cut = [row.cut for row in rows if row.cut]
    left_out = sum(row.dropped for row in rows)
    how = f"lost {left_out} earlier turns to fit," if left_out else "were shortened to fit, by"
    notes = [f"{len(cut)} of {len(rows)} training rows {how} {sum(cut)} tokens in all."] if cut else []
    targets, more = bound.kind.targets(bound, rows, examples, answers)
    return targets, [*notes, *more]


def _sources(resolved: Resolved) -> list[_Source]:
    """The other tasks, bound. Raises TrimtabError, their file named, for what is wrong with one of them."""
    out: list[_Source] = []
    method, pretrained = resolved.bound.task.method, resolved.bound.pretrained
    for number, other in enumerate(resolved.rows.sources):
        assert isinstance(method, MultitaskPromptSettings)
        try:
            bound = bind(other.task, other.words, pretrained, other.base, training=True)
            if not isinstance(bound.method, MultitaskPrompt):
                raise TaskError("this backbone has no label words to answer with.", "Leave method.sources out.")
        except TrimtabError as error:
            name = method.sources[number]
            raise type(error)(f"method.sources: {name}: {error.message}", error.hint) from error
        out.append(_Source(bound, encode(bound, other.splits.train)[0], number))
    return out


def _noted(sources: Sequence[_Source], resolved: Resolved, rows: int) -> list[str]:
    """What a reader should know of the sources; `rows` of the task's own."""
    if not sources:
        return []
    read = resolved.rows.sources
    named = ", ".join(f"{len(other.splits.train):,} of {other.task.name}" for other in read)
    return [f"sources: trained on {rows:,} rows of its own together with {named}"]


def _unused(task: Task) -> list[str]:
    """Says which settings of training were given though nothing is trained in steps."""
    given = [name for name in STEPPED if getattr(task.train, name) != TrainSettings.model_fields[name].default]
    named = ", ".join(f"train.{name}" for name in given)
    return (
        [f"{named}: not used, as the head is fitted at once; method.solver=steps trains it in steps."] if given else []
    )


def _training(
    bound: BoundTask, plan: Plan, start: Sequence[Tensors], train: list[Target], dev: list[Target],
    sources: Sequence[_Source],
) -> Training:  # fmt: skip
    """The loop, given the loss over the rows of all tasks and the dev score of the task's own."""
    method = bound.task.method
    seeded = _Seeded(start, plan.seeds, bound.method.condition)
    own = _objective(bound, seeded, train, dev, _kept(bound, plan, bound.method.condition(start[0]), train, dev))
    if isinstance(method, LatePromptSettings):
        view = bound.method.condition(start[0]).view
        if isinstance(view, LateBackbone):
            view.expect(own.groups(plan.first_seen()))
    rest = [
        _objective(other.bound, _Seeded(start, plan.seeds, other.condition), other.train, [], None) for other in sources
    ]
    loss = joint_loss([own, *rest]) if rest else own.loss
    return Training(plan, [trained(tensors) for tensors in start], loss, own.evaluate, bound.method.factor)


def _objective(
    bound: BoundTask, condition: _Seeded, train: list[Target], dev: list[Target], kept: KeptStates | None
) -> Objective:
    return Objective(
        bound.pretrained.backbone, bound.kind.criterion(bound, train, dev, kept), condition, bound.prompt,
        alone=bound.method.adapts, checkpointing=bound.task.train.gradient_checkpointing,
    )  # fmt: skip


def _kept(
    bound: BoundTask, plan: Plan, condition: Condition, train: Sequence[Any], dev: Sequence[Any]
) -> KeptStates | None:
    """Rows' hidden states where a head alone is trained, so that they stay as they are; None where they do not."""
    method = bound.task.method
    if not isinstance(method, HeadSettings) or not method.cache_megabytes:
        return None
    rows, judged = [row.read() for row in train], [row.read() for row in dev]
    order, size = plan.first_seen(), method.cache_megabytes << 20
    backbone = condition.view or bound.pretrained.backbone
    return KeptStates(backbone, bound.prompt(condition, backbone), rows, judged, order, size)


def _written_out(bound: BoundTask, plan: Plan, dev_rows: int, words: dict[str, list[str]], base: Path) -> Task:
    """The task with everything picked written out, so that it says what was done and can be run from anywhere."""
    task = from_anywhere(bound.task, base)
    picked = {
        "steps": plan.steps or None, "epochs": None, "batch_size": plan.batch_size, "rate": plan.rate or None,
        "evaluate_every": plan.evaluate_every, "evaluate_rows": plan.dev_rows if plan.dev_rows < dev_rows else None,
        "patience": plan.patience or 0,
    }  # fmt: skip
    train = task.train if task.method.fitted else task.train.model_copy(update=picked)
    among = {"among": "branches" if bound.verbalizer.branches else "vocabulary"} if bound.kind.counted_by_label else {}
    labels = task.labels.model_copy(update={"words": words or None, **among})
    method: Any = task.method
    starts = SoftPromptSettings | WarpSettings | MultitaskPromptSettings
    if isinstance(method, starts) and method.init_run is not None:
        method = method.model_copy(update={"init_run": str((base / method.init_run).resolve())})
    if isinstance(method, MultitaskPromptSettings):
        method = method.model_copy(update={"sources": [str((base / name).resolve()) for name in method.sources]})
    return task.model_copy(update={"train": train, "labels": labels, "method": method})
