"""A prepared training carried out in its run folder, and what came of it kept as a run. Knows nothing about reports."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from trimtab.backbones.memory import peak_bytes
from trimtab.inference.engine import Engine
from trimtab.kinds.prediction import Prediction
from trimtab.reports.run_report import Cost
from trimtab.runs.folder import CHECKPOINT_FILE
from trimtab.runs.run import Run, backbone_facts, save_run
from trimtab.settings.task import Task
from trimtab.training.loop import Plan
from trimtab.tuning import metrics
from trimtab.tuning.folder import Enough, OnStep, Stop, begin, run_loop
from trimtab.tuning.prepare import Prepared


def train(prepared: Prepared, out: Path, on_step: OnStep | None, enough: Enough | None = None) -> Stop | None:
    """Begin or take up the run folder and run the loop. Returns where it was stopped, if it was."""
    training = prepared.training
    begin(out, prepared.task, training, prepared.made_of, prepared.choosing)
    try:
        return run_loop(training, out, prepared.made_of, prepared.task.train.checkpoint_seconds, on_step, enough)
    except BaseException:
        if training.done == 0:  # nothing to go on from
            shutil.rmtree(out, ignore_errors=True)
        raise


def keep(prepared: Prepared, out: Path, stop: Stop | None) -> Run:
    """Save the best tensors as a run. A run stopped before its first evaluation keeps them as they are."""
    training, scores = prepared.training, prepared.training.best_scores
    kept_of = [b if s else p for b, s, p in zip(training.best, scores, training.parameters, strict=True)]
    sets = [
        {name: x.detach().cpu() for name, x in {**first, **own}.items()}
        for first, own in zip(prepared.start, kept_of, strict=True)
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
        **prepared.facts,
        "stopped": stop is not None and stop.by_user,
        "enough": stop is not None and not stop.by_user,
    }
    run = Run(
        str(out), prepared.task, prepared.words, tuple(sets), kept, backbone_facts(prepared.bound.pretrained), facts,
        prepared.bound.demonstrations.examples,
    )  # fmt: skip
    if stop is None or not stop.by_user:  # else it goes on, and what is settled now would stand then
        run = replace(run, task=_settled_on_dev(prepared, run))
    save_run(out, run)
    return run


def _settled_on_dev(prepared: Prepared, run: Run) -> Task:
    """The run's task with what its answers to dev settle, by its kind of answer."""
    kind = prepared.bound.kind
    dev = prepared.dev if kind.settles_on_all(run.task) else prepared.judged

    def answers() -> list[Prediction]:
        engine = Engine(prepared.bound.pretrained)
        engine.add("run", run)
        return engine.answer_examples("run", dev)

    return kind.settled_on_dev(run.task, dev, answers)


def finish(out: Path) -> None:
    """Remove the checkpoint of a run that is done, and what a process that was killed was writing of one."""
    for left in out.glob(f"{CHECKPOINT_FILE}*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def cost(out: Path, plan: Plan) -> Cost:
    """What choosing and training took."""
    return cost_of(metrics.seconds(out)).model_copy(update={"examples_per_second": metrics.pace(out) * plan.batch_size})


def cost_of(seconds: float) -> Cost:
    """What all that this process did took, of which so many seconds were training."""
    return Cost(
        train_seconds=seconds,
        peak_memory_bytes=peak_bytes(),
    )
