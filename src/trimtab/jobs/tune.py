"""`trimtab tune`: tune a prompt on a frozen backbone, keep it, judge it. Top to bottom, the whole job."""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch

from trimtab.backbones.late import LateBackbone
from trimtab.backbones.open import Progress, backbone_of, local_or_known
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, Splits, check_labels, load_splits
from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.choose import metric_names
from trimtab.inference.answers import check_answer, settled_answer, settled_length
from trimtab.inference.bound import BoundTask, bind, labels_of, template_of
from trimtab.jobs import evaluate, metrics, multitask
from trimtab.jobs.folder import CHECKPOINT, OnStep, begin, check_folder, run_loop
from trimtab.jobs.untrained import (
    Settled,
    best_draw,
    calibration,
    refusing,
    settle,
    settled_demonstrations,
    started_from,
    starting,
)
from trimtab.jobs.usual_method import with_usual_method
from trimtab.methods.method import Condition, Tensors, trained
from trimtab.prompts import EncodedRow
from trimtab.reports.run_report import Cost, RunReport
from trimtab.runs.folder import TASK_FILE
from trimtab.runs.run import Run, backbone_facts, save_run
from trimtab.settings.answers import NumberAnswer, TextAnswer
from trimtab.settings.file import read_task
from trimtab.settings.methods import HeadSettings, LatePromptSettings, MultitaskPromptSettings, SoftPromptSettings
from trimtab.settings.task import Task
from trimtab.training.joint import joint_loss
from trimtab.training.labelled import Labelled, fingerprint
from trimtab.training.loop import DevScore, Plan, Training
from trimtab.training.objective import Objective
from trimtab.training.plan import make_plan


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


OnPlan = Callable[[Task, Plan, list[str]], None]


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
        pretrained: a backbone in memory, where the caller has one.
        on_plan: told the task with everything picked, the plan, and notes on the data, before the first step.
        on_step: told of every step.
        progress: told what is being done besides.

    Raises:
        TrimtabError: whatever is wrong with settings, data, backbone or disk. Nothing is left in `out` unless training
            had begun.
    """
    check_folder(out, resume)
    task, words, splits = _read(task, base, splits)
    if pretrained is None:
        pretrained = backbone_of(task, base, offline=offline, agree=agree, progress=progress)
    ready = _prepare(task, words, splits, pretrained, base, progress)
    plan = ready.training.plan
    if on_plan:
        on_plan(ready.task, plan, ready.notes)
    stopped = _train(ready, out, on_step)
    tuned = _keep(ready, out, stopped=stopped is not None)
    if stopped is not None:
        return Tuned(tuned, None, stopped)
    scored = None
    if report:
        scored = evaluate.report_of(
            tuned, pretrained, splits, folder=out, beside=beside, curve=metrics.curve(out, plan.seeds),
            cost=_cost(out, plan), notes=ready.notes, progress=progress,
        )  # fmt: skip
    for left in out.glob(f"{CHECKPOINT}*"):  # and what a process that was killed was writing
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    return Tuned(tuned, scored, None)


def resolved_task(folder: Path, overrides: Sequence[str] = ()) -> Task:
    """The task of a run folder that was begun. Raises TrimtabError where there is none."""
    if not (folder / TASK_FILE).is_file():
        raise TrimtabError(f"{folder}: not a run folder (no {TASK_FILE}).", "Give a task file to begin one.")
    return read_task(folder / TASK_FILE, overrides)


def _read(task: Task, base: Path, splits: Splits | None) -> tuple[Task, dict[str, list[str]], Splits]:
    """The rows, the label words, and the task with what is settled from the rows, before a backbone is loaded."""
    check_answer(task)
    started_from(task)
    if isinstance(task.answer, TextAnswer):
        metric_names(task.answer.metrics or ())
    splits = splits or load_splits(task.data, template_of(task).fields, task.answer, base=base)
    task = settled_answer(task, splits.train)
    words = {label: list(w) for label, w in labels_of(task, [e.answer or "" for e in splits.train]).items()}
    for part in (splits.train, splits.dev, splits.test):
        check_labels(part, list(words))
    return task, words, splits


@dataclass(frozen=True)
class _Ready:
    """A training before its first step; what can be refused has been.

    Attributes:
        task, words: with everything picked written out.
        bound: the task bound to its backbone.
        start: tensors of each seed, those that are not trained among them.
        training: the loop.
        made_of: hashes of what a checkpoint can be taken up with.
        notes: what was done to the data, a sentence each.
        facts: what the run remembers of how it was settled.
        choosing: seconds that choosing what is shown or started from took; 0 where nothing was chosen.
    """

    task: Task
    words: dict[str, list[str]]
    bound: BoundTask
    start: Sequence[Tensors]
    training: Training
    made_of: dict[str, str]
    notes: list[str]
    facts: Mapping[str, Any]
    choosing: float


def _prepare(
    task: Task, words: dict[str, list[str]], splits: Splits, pretrained: Pretrained, base: Path,
    progress: Progress | None,
) -> _Ready:  # fmt: skip
    """Pick the method, if that was left open, and set everything up."""
    ready, picked = with_usual_method(
        task, words, splits.train, pretrained,
        lambda task: _set_up(task, words, splits, pretrained, base, progress),
    )  # fmt: skip
    return replace(ready, notes=[picked, *ready.notes]) if picked else ready


def _set_up(
    task: Task, words: dict[str, list[str]], splits: Splits, pretrained: Pretrained, base: Path,
    progress: Progress | None,
) -> _Ready:  # fmt: skip
    """Bind the task, encode its rows, pick what was left open, and set up the loop."""
    task = settled_demonstrations(settled_length(task, splits.train, pretrained), words, splits.train)
    began = time.perf_counter()
    settled = settle(task, words, splits, pretrained, progress)
    task, words = settled.task, settled.words
    bound, drawn = _bind(settled, splits, pretrained, base, progress)
    choosing = time.perf_counter() - began if settled.notes or drawn else 0.0
    task = bound.task
    train, cut = _encode(bound, splits.train)
    others = multitask.read_sources(task, pretrained, base)
    theirs = [_encode(other.bound, other.examples)[0] for other in others]
    together = [*train, *chain.from_iterable(theirs)]
    plan = make_plan(task.train, len(together), bound.method.rate, writes=bound.writes)
    start = [bound.method.initial(seed) for seed in plan.seeds]
    if not trained(start[0]):
        plan, start = replace(plan, steps=0, seeds=plan.seeds[:1]), [calibration(bound)]
    task = _resolved(task, plan, words, base, bound.verbalizer.branches)
    training = _training(bound, plan, start, train, _encode(bound, splits.dev, 1)[0], others, theirs)
    made_of = {"weights": pretrained.content_hash, "examples": fingerprint(together)}
    notes = [*splits.note, *multitask.note(others, len(train)), *settled.notes, *drawn, *cut]
    return _Ready(task, words, bound, start, training, made_of, notes, settled.facts, choosing)


def _bind(
    settled: Settled, splits: Splits, pretrained: Pretrained, base: Path, progress: Progress | None
) -> tuple[BoundTask, list[str]]:
    """The task bound, to the best draw of what it shows or starts from, and notes on that."""
    task, words = settled.task, settled.words
    shown = started_from(task)
    if shown:
        settled = settle(shown, words, splits, pretrained)
    with refusing() if shown else nullcontext():
        draws = [bind(settled.task, words, pretrained, base, examples, training=True) for examples in settled.draws]
    best, notes = best_draw(draws, splits.dev, _untrained_score, progress)
    notes = [*notes, *best.demonstrations.notes]
    if shown:
        best = bind(starting(task, best), words, pretrained, base, training=True, start=best.shown)
    return best, notes


def _train(ready: _Ready, out: Path, on_step: OnStep | None) -> int | None:
    """Begin or take up the run folder and run the loop. Returns the step at which the user stopped it, if so."""
    training = ready.training
    begin(out, ready.task, training, ready.made_of, ready.choosing)
    try:
        return run_loop(training, out, ready.made_of, ready.task.train.checkpoint_seconds, on_step)
    except BaseException:
        if training.done == 0:  # nothing to go on from
            shutil.rmtree(out, ignore_errors=True)
        raise


def _cost(out: Path, plan: Plan) -> Cost:
    """What choosing and training took."""
    return Cost(
        train_seconds=metrics.seconds(out),
        examples_per_second=metrics.pace(out) * plan.batch_size,
        peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _encode(bound: BoundTask, examples: list[Example], answers: int | None = None) -> tuple[list[Labelled], list[str]]:
    """Rows as the loop takes them, of texts with their first `answers`, and a note where some were shortened to fit."""
    own = [(e.fields, e.where) for e in examples]
    rows = (
        bound.encode(own, [e.options for e in examples], [e.tokens for e in examples])
        if bound.choice or bound.tags
        else [bound.encoder.encode(e.fields, e.where) for e in examples]
    )
    cut = [row.cut for row in rows if row.cut]
    left_out = sum(row.dropped for row in rows)
    how = f"lost {left_out} earlier turns to fit," if left_out else "were shortened to fit, by"
    note = f"{len(cut)} of {len(rows)} training rows {how} {sum(cut)} tokens in all."
    notes = [note] if cut else []
    if bound.tags:
        parted = [len(row.windows) for row in rows if row.further]
        if parted:
            read = f"are too long for one row and are read in {sum(parted)} windows"
            notes.append(f"{len(parted)} of {len(rows)} training rows {read}.")
        return [own for row, e in zip(rows, examples, strict=True) for own in _windows(row, e)], notes
    if bound.writes:
        texts = [
            _written(bound, row, text) for row, e in zip(rows, examples, strict=True) for text in e.references[:answers]
        ]
        endless = sum(row.text[-1] != bound.ends[0] for row in texts)
        if endless:
            notes.append(
                f"{endless} of {len(texts)} answers are longer than answer.max_tokens ({bound.most}): what goes beyond "
                "is not trained."
            )
        return texts, notes
    return [_labelled(bound, row, e) for row, e in zip(rows, examples, strict=True)], notes


def _written(bound: BoundTask, row: EncodedRow, text: str) -> Labelled:
    return Labelled(row.ids, 0, row.answer, text=bound.answer_ids(text), said=row.said)


def _windows(row: EncodedRow, example: Example) -> Iterator[Labelled]:
    """A row whose tokens are tagged; each window on it where it does not fit."""
    tags = iter(example.tags or ())
    for window in row.windows:
        own = tuple(islice(tags, len(window.read_at or ())))
        yield Labelled(window.ids, 0, read_at=window.read_at, tags=own, goes_on=window is not row)


def _labelled(bound: BoundTask, row: EncodedRow, example: Example) -> Labelled:
    if bound.scale is not None and example.number is not None:
        mean, sd = bound.scale
        return Labelled(row.ids, 0, row.answer, number=(example.number - mean) / sd)
    labels = row.options.labels if row.options else bound.labels
    return Labelled(row.ids, labels.index(example.answer or ""), row.answer, row.options)


def _resolved(task: Task, plan: Plan, words: dict[str, list[str]], base: Path, branches: bool) -> Task:
    """The task with everything picked written out, so that it says what was done and can be run from anywhere."""
    train = task.train.model_copy(
        update={"steps": plan.steps or None, "epochs": None, "batch_size": plan.batch_size, "rate": plan.rate or None,
                "evaluate_every": plan.evaluate_every, "patience": plan.patience or 0}
    )  # fmt: skip
    places = {part: evaluate.absolute(getattr(task.data, part), base) for part in ("train", "dev", "test")}
    data = task.data.model_copy(update=places)
    among = {"among": "branches" if branches else "vocabulary"} if task.answer.kind == "label" else {}
    labels = task.labels.model_copy(update={"words": words or None, **among})
    method = task.method
    if isinstance(method, SoftPromptSettings | MultitaskPromptSettings) and method.init_run is not None:
        method = method.model_copy(update={"init_run": str((base / method.init_run).resolve())})
    backbone = local_or_known(task.backbone, base)
    resolved = {"backbone": backbone, "train": train, "data": data, "labels": labels, "method": method}
    return multitask.absolute(task.model_copy(update=resolved), base)


def _training(
    bound: BoundTask, plan: Plan, start: Sequence[Tensors], train: list[Labelled], dev: list[Labelled],
    others: Sequence[multitask.Source] = (), theirs: Sequence[list[Labelled]] = (),
) -> Training:  # fmt: skip
    settings, method = bound.task.train, bound.task.method
    kept = method.cache_megabytes << 20 if isinstance(method, HeadSettings) else 0
    order = plan.first_seen() if isinstance(method, HeadSettings | LatePromptSettings) else ()

    def objective(
        of: BoundTask, conditioned: Callable[..., Condition], rows: list[Labelled], judged: list[Labelled]
    ) -> Objective:
        def condition(parameters: Tensors, step: int | None, run: int) -> Condition:
            noise = None
            if step is not None:
                noise = torch.Generator().manual_seed(plan.seeds[run] * 1_000_003 + step)
            return conditioned({**start[run], **parameters}, noise)

        return Objective(
            of.pretrained.backbone, of.verbalizer, rows, judged, condition, of.prompt, settings.label_smoothing,
            alone=of.method.adapts, checkpointing=settings.gradient_checkpointing,
            huber=isinstance(of.task.answer, NumberAnswer) and of.task.answer.loss == "huber",
            plain=of.tags is not None and of.tags.scheme == "plain",
            cache_bytes=kept, order=order,
        )  # fmt: skip

    own = objective(bound, bound.method.condition, train, dev)
    view = bound.method.condition(start[0]).view if isinstance(method, LatePromptSettings) else None
    if isinstance(view, LateBackbone):
        view.expect(own.groups())
    rest = [objective(o.bound, o.condition, rows, []) for o, rows in zip(others, theirs, strict=True)]
    loss = joint_loss([own, *rest]) if rest else own.loss
    return Training(plan, [trained(tensors) for tensors in start], loss, own.evaluate, bound.method.factor)


def _untrained_score(bound: BoundTask, rows: list[Example]) -> DevScore:
    """What a task that trains nothing reaches on rows."""
    plan = make_plan(bound.task.train, 1, 0.0)
    judged = _encode(bound, rows, 1)[0]
    return _training(bound, plan, [calibration(bound)], judged, judged).evaluate([0], [{}])[0]


def _keep(ready: _Ready, out: Path, *, stopped: bool) -> Run:
    """Save the best tensors as a run. A run stopped before its first evaluation keeps them as they are."""
    training, scores = ready.training, ready.training.best_scores
    kept_of = [b if s else p for b, s, p in zip(training.best, scores, training.parameters, strict=True)]
    sets = [
        {name: x.detach().cpu() for name, x in {**first, **own}.items()}
        for first, own in zip(ready.start, kept_of, strict=True)
    ]
    kept = 0
    for k, score in enumerate(scores):
        if score is not None and score.beats(scores[kept]):
            kept = k
    facts = {
        "seeds": list(training.plan.seeds),
        "dev_accuracy": [s.accuracy if s else None for s in scores],
        "dev_loss": [s.loss if s else None for s in scores],
        "best_steps": training.best_steps,
        "steps": training.done,
        "planned_steps": training.plan.steps,
        **ready.facts,
        "stopped": stopped,
    }
    tuned = Run(
        str(out), ready.task, ready.words, tuple(sets), kept, backbone_facts(ready.bound.pretrained), facts,
        ready.bound.demonstrations.examples,
    )  # fmt: skip
    save_run(out, tuned)
    return tuned
