"""`trimtab tune`: tune a prompt on a frozen backbone, keep it, judge it. Top to bottom, the whole job."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from trimtab.backbones.pretrained import Pretrained
from trimtab.backbones.tensors import load_tensors, save_tensors
from trimtab.data import Example, Splits, check_labels, load_splits
from trimtab.errors import TrimtabError
from trimtab.evaluation.run_report import CurvePoint, RunReport
from trimtab.inference.bound import BoundTask, bind, labels_of, template_of
from trimtab.inference.runs import PROMPT_FILE, TASK_FILE, Run, backbone_facts, save_run
from trimtab.jobs import evaluate
from trimtab.jobs.backbone import Progress, open_backbone
from trimtab.methods import soft_prompt
from trimtab.spec import Task, dump_task, read_task
from trimtab.training.loop import Plan, StepRecord, Training
from trimtab.training.objective import Labelled, Objective
from trimtab.training.plan import make_plan

CHECKPOINT, METRICS = "checkpoint.safetensors", "metrics.jsonl"


@dataclass(frozen=True)
class Tuned:
    """What a tuning job ended with: the run, its report, and whether it was stopped early by the user."""

    run: Run
    report: RunReport
    stopped_at: int | None


OnPlan = Callable[[Plan, list[str]], None]
OnStep = Callable[[StepRecord, Plan], None]


def run(
    task: Task,
    out: Path,
    *,
    base: Path,
    resume: bool = False,
    offline: bool = False,
    agree: bool = False,
    beside: bool = True,
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
        pretrained: a backbone in memory, where the caller has one.
        on_plan: told what was picked, and notes on the data, before the first step.
        on_step: told of every step.
        progress: told what is being done besides.

    Raises:
        TrimtabError: whatever is wrong with settings, data, backbone or disk. Nothing is left in `out` unless training
            had begun.
    """
    _check_folder(out, resume)
    splits = load_splits(task.data, template_of(task).fields, base=base)
    words = {label: list(w) for label, w in labels_of(task, [e.answer or "" for e in splits.train]).items()}
    for part in (splits.train, splits.dev, splits.test):
        check_labels(part, list(words))
    if pretrained is None:
        pretrained = open_backbone(
            task.backbone, precision=task.train.precision, device=task.train.device, threads=task.train.threads,
            offline=offline, agree=agree, progress=progress,
        )  # fmt: skip
    bound = bind(task, words, pretrained)
    encoded = {name: _encode(bound, part) for name, part in (("train", splits.train), ("dev", splits.dev))}
    plan = make_plan(task.train, len(splits.train))
    task = _resolved(task, plan, words, base)
    training = _training(bound, plan, encoded["train"], encoded["dev"])
    notes = [*splits.note, *_cut_notes(bound, splits)]
    if on_plan:
        on_plan(plan, notes)
    _begin(out, task, training, pretrained, resume)
    stopped = _train(training, out, pretrained.content_hash, task.train.checkpoint_seconds, on_step)
    tuned = _keep(out, task, words, pretrained, training, stopped is not None)
    report = evaluate.report_of(
        tuned, pretrained, splits, folder=out, base=base, beside=beside, curve=_curve(out, plan), notes=notes,
        train_seconds=_seconds(out), examples_per_second=_rows_trained(out, plan) / max(_seconds(out), 1e-9),
        peak_memory=peak_memory(), progress=progress,
    )  # fmt: skip
    if stopped is None:
        (out / CHECKPOINT).unlink(missing_ok=True)
    return Tuned(tuned, report, stopped)


def resolved_task(folder: Path) -> Task:
    """The task of a run folder that was begun. Raises TrimtabError where there is none."""
    if not (folder / TASK_FILE).is_file():
        raise TrimtabError(f"{folder}: not a run folder (no {TASK_FILE}).", "Give a task file to begin one.")
    return read_task(folder / TASK_FILE)


def peak_memory() -> int:
    """Largest resident memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _check_folder(out: Path, resume: bool) -> None:
    if out.is_file():
        raise TrimtabError(f"{out}: a file, not a folder.", "Choose another folder with --out.")
    if resume:
        if (out / PROMPT_FILE).is_file() and not (out / CHECKPOINT).is_file():
            raise TrimtabError(f"{out}: this run is finished.", "Look at it with `trimtab evaluate`.")
        return
    if out.is_dir() and any(out.iterdir()):
        state = "holds a run that was not finished" if (out / CHECKPOINT).is_file() else "is not empty"
        raise TrimtabError(
            f"{out}: the run folder {state}.", "Go on with --resume, or choose another folder with --out."
        )


def _encode(bound: BoundTask, examples: list[Example]) -> list[Labelled]:
    labels = {label: i for i, label in enumerate(bound.labels)}
    return [Labelled(bound.encoder.encode(e.fields, e.where).ids, labels[e.answer or ""]) for e in examples]


def _cut_notes(bound: BoundTask, splits: Splits) -> list[str]:
    cut = [bound.encoder.encode(e.fields, e.where).cut for e in splits.train]
    rows = sum(c > 0 for c in cut)
    return [f"{rows} of {len(cut)} training rows were shortened to fit, by {sum(cut)} tokens in all."] if rows else []


def _resolved(task: Task, plan: Plan, words: dict[str, list[str]], base: Path) -> Task:
    """The task with everything picked written out, so that it says what was done and can be run from anywhere."""
    train = task.train.model_copy(
        update={"steps": plan.steps, "epochs": None, "batch_size": plan.batch_size, "rate": plan.rate,
                "evaluate_every": plan.evaluate_every}
    )  # fmt: skip
    places = {part: evaluate.absolute(getattr(task.data, part), base) for part in ("train", "dev", "test")}
    data = task.data.model_copy(update=places)
    labels = task.labels.model_copy(update={"words": words})
    return task.model_copy(update={"train": train, "data": data, "labels": labels})


def _training(bound: BoundTask, plan: Plan, train: list[Labelled], dev: list[Labelled]) -> Training:
    task, pretrained = bound.task, bound.pretrained
    label_words = [word.text for word in bound.verbalizer.words]

    def prefix(parameter: torch.Tensor, step: int | None, run: int) -> torch.Tensor:
        generator = None
        if step is not None and task.method.dropout:
            generator = torch.Generator().manual_seed(plan.seeds[run] * 1_000_003 + step)
        return bound.prefix(parameter, task.method.dropout if generator else 0.0, generator)

    objective = Objective(pretrained.backbone, bound.verbalizer, train, dev, prefix, task.train.label_smoothing)
    start = [
        soft_prompt.initial(
            task.method, pretrained.backbone, pretrained.tokenizer, task=task.task, label_words=label_words, seed=seed
        )
        for seed in plan.seeds
    ]
    return Training(plan, start, objective.loss, objective.evaluate)


def _begin(out: Path, task: Task, training: Training, pretrained: Pretrained, resume: bool) -> None:
    """Make the run folder, or take up the one that was begun."""
    if resume and (out / TASK_FILE).is_file():
        before = read_task(out / TASK_FILE)
        if before != task:
            old, new = before.model_dump(mode="json"), task.model_dump(mode="json")
            changed = [k for k in old if old[k] != new[k]]
            raise TrimtabError(
                f"{out}: begun with other settings ({', '.join(changed)} differ).",
                "Give the settings it was begun with, or choose another folder with --out.",
            )
        if (out / CHECKPOINT).is_file():
            stored = load_tensors(out / CHECKPOINT)
            if stored.values.pop("backbone", None) != pretrained.content_hash:
                raise TrimtabError(f"{out}: begun on another backbone than '{pretrained.name}'.", "Use that one.")
            training.restore(stored)
        _truncate(out / METRICS, training.done)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / TASK_FILE).write_text(dump_task(task), encoding="utf-8")
        (out / METRICS).write_text("", encoding="utf-8")
    except OSError as error:
        if out.is_dir():
            shutil.rmtree(out, ignore_errors=True)
        raise TrimtabError(
            f"{out}: cannot be written ({error.strerror}).", "Choose another folder with --out."
        ) from None


def _train(training: Training, out: Path, backbone: str, every: float, on_step: OnStep | None) -> int | None:
    """Run the loop, recording and saving as it goes. Returns the step at which the user stopped it, if so."""
    saved = time.monotonic()
    with _interruptible() as interrupted:
        try:
            for record in training.steps():
                _record(out / METRICS, record)
                if on_step:
                    on_step(record, training.plan)
                if interrupted() and training.done < training.plan.steps:
                    _save(out, training, backbone)
                    return training.done
                if time.monotonic() - saved >= every:
                    _save(out, training, backbone)
                    saved = time.monotonic()
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "memory" not in str(error):
                raise
            raise TrimtabError(
                f"out of memory at step {training.done + 1} (batch of {training.plan.batch_size} rows a run, "
                f"{len(training.parameters)} run(s)).",
                "Raise train.accumulate, or lower train.batch_size, train.runs or template.max_tokens.",
            ) from None
    return None


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a wish to stop after the step at hand; a second one stops at once."""
    wished = False

    def wish(*_: object) -> None:
        nonlocal wished
        wished = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        before = signal.signal(signal.SIGINT, wish)
    except ValueError:  # not the main thread: nobody presses Ctrl-C here
        yield lambda: False
        return
    try:
        yield lambda: wished
    finally:
        signal.signal(signal.SIGINT, before)


def _save(out: Path, training: Training, backbone: str) -> None:
    stored = training.checkpoint()
    save_tensors(out / CHECKPOINT, stored.tensors, {**stored.values, "backbone": backbone})


def _keep(
    out: Path, task: Task, words: dict[str, list[str]], pretrained: Pretrained, training: Training, stopped: bool
) -> Run:
    """Save the best prompts as a run. A run stopped before its first evaluation keeps the prompts as they are."""
    scores = training.best_scores
    prompts = [b if s else p.detach() for b, s, p in zip(training.best, scores, training.parameters, strict=True)]
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
        "stopped": stopped,
    }
    tuned = Run(str(out), task, words, tuple(p.cpu() for p in prompts), kept, backbone_facts(pretrained), facts)
    save_run(out, tuned)
    return tuned


def _record(path: Path, record: StepRecord) -> None:
    line = {
        "step": record.step,
        "epoch": round(record.epoch, 6),
        "rate": record.rate,
        "loss": record.losses,
        "dev": [[d.accuracy, d.loss] if d else None for d in record.dev] if record.dev else None,
        "seconds": round(record.seconds, 4),
    }
    try:
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
    except OSError as error:
        raise TrimtabError(
            f"{path}: cannot be written ({error.strerror}).", "Free some space, then use --resume."
        ) from None


def _metrics(out: Path) -> list[dict[str, Any]]:
    """The records written so far; a line cut short by a kill is left out."""
    records = []
    for line in (out / METRICS).read_text(encoding="utf-8").split("\n"):
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return records


def _truncate(path: Path, done: int) -> None:
    """Forget records of steps after the checkpoint: they will be made again."""
    kept = [json.dumps(r) + "\n" for r in (_metrics(path.parent) if path.is_file() else []) if r["step"] <= done]
    path.write_text("".join(kept), encoding="utf-8")


def _seconds(out: Path) -> float:
    return float(sum(r["seconds"] for r in _metrics(out)))


def _rows_trained(out: Path, plan: Plan) -> int:
    return sum(sum(loss is not None for loss in r["loss"]) for r in _metrics(out)) * plan.batch_size


def _curve(out: Path, plan: Plan) -> list[CurvePoint]:
    """The learning curve: every evaluation, and about 200 training losses a run between them, each a mean."""
    records = _metrics(out)
    points = []
    for k, seed in enumerate(plan.seeds):
        every = max(1, len(records) // 200)
        window: list[float] = []
        for record in records:
            if record["loss"][k] is None:
                continue
            window.append(record["loss"][k])
            dev = record["dev"][k] if record["dev"] else None
            if dev is None and record["step"] % every:
                continue
            points.append(
                CurvePoint(
                    seed=seed,
                    step=record["step"],
                    epoch=record["epoch"],
                    loss=sum(window) / len(window),
                    rate=record["rate"],
                    dev_accuracy=dev[0] if dev else None,
                )
            )
            window = []
    return points


def restated(task: Task, out: Path, base: Path) -> Task:
    """The task as the run folder resolved it, where the task file still says the same; otherwise the task as given."""
    before = resolved_task(out)
    picked = {
        name: getattr(before.train, name)
        for name in ("steps", "epochs", "batch_size", "rate", "evaluate_every")
        if getattr(task.train, name) is None
    }
    places = {part: evaluate.absolute(getattr(task.data, part), base) for part in ("train", "dev", "test")}
    words = task.labels.words or before.labels.words
    return task.model_copy(
        update={
            "train": task.train.model_copy(update=picked),
            "data": task.data.model_copy(update=places),
            "labels": task.labels.model_copy(update={"words": words}),
        }
    )
