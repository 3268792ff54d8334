"""Whole jobs as several test modules run them: killed and resumed, checked by hand, mixed in one engine, exchanged."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from closeness import assert_near
from trimtab import Engine, Request, open_engine
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, Splits
from trimtab.jobs import exchange, tune
from trimtab.jobs.tune import Tuned
from trimtab.kinds.bound_task import BoundTask
from trimtab.methods.method import Condition
from trimtab.runs.run import load_run
from trimtab.settings.file import read_task
from trimtab.settings.methods import HeadSettings
from trimtab.settings.task import Task
from trimtab.tasks.resolve import Resolved
from trimtab.tasks.rows import TaskRows
from trimtab.training.loop import Training
from trimtab.tuning.prepare import prepare

TEXTS = ["a great and warm film", "the plot is awful , the cast boring", "cold"]


class Killed(BaseException):
    """Stands in for a kill: nothing cleans up after it."""


def dying_at(step: int) -> Callable[[Any, Any], None]:
    """What a job is told its steps by, and dies of."""

    def die(record: Any, plan: Any) -> None:
        if record.step == step:
            raise Killed

    return die


def kill_and_resume(task: Task, folder: Path, *, step: int, **given: Any) -> Tuned:
    """Tune a run `whole`, and a run `run` killed at a step and resumed, which ends with the same bits."""
    whole = tune.run(task, folder / "whole", beside=False, **given)
    with pytest.raises(Killed):
        tune.run(task, folder / "run", report=False, on_step=dying_at(step), **given)
    tune.run(task, folder / "run", report=False, resume=True, **given)
    for name in ("prompt.safetensors", "task.yaml"):
        assert (folder / "whole" / name).read_bytes() == (folder / "run" / name).read_bytes()
    return whole


def tuned(folder: Path, pretrained: Pretrained, out: str = "run", overrides: Sequence[str] = (), **given: Any) -> Tuned:
    """Tune `task.yaml` of a folder, without a report."""
    task = read_task(folder / "task.yaml", overrides)
    return tune.run(task, folder / out, base=folder, pretrained=pretrained, report=False, **given)


def training_on(bound: BoundTask, examples: Sequence[Example], base: Path = Path()) -> Training:
    """The loop of a bound task, as a job sets it up, on rows that are both train and dev; a head's is one in steps."""
    if isinstance(bound.task.method, HeadSettings):
        stepped = bound.task.method.model_copy(update={"solver": "steps"})
        bound = replace(bound, task=bound.task.model_copy(update={"method": stepped}))
    rows = TaskRows(bound.task, base, {}, Splits(list(examples), list(examples), []))
    training = prepare(Resolved(rows, {}, bound)).training
    assert isinstance(training, Training)
    return training


def assert_loss_as_by_hand(bound: BoundTask, by_hand: Callable[[Condition, str], torch.Tensor]) -> None:
    """Loss of the objective and its gradients are those of label scores that are made row by row."""
    generator = torch.Generator().manual_seed(5)
    start = bound.method.initial(0)
    start = {n: (x + 0.05 * torch.randn(x.shape, generator=generator)).requires_grad_() for n, x in start.items()}
    examples = [Example({"text": text}, bound.labels[i % 2], text) for i, text in enumerate(TEXTS)]
    loss = training_on(bound, examples).loss([0], [start], [range(len(examples))], 0)
    ours = torch.autograd.grad(loss.sum(), list(start.values()), allow_unused=True)
    condition = bound.method.condition(start)
    scores = torch.stack([by_hand(condition, text) for text in TEXTS])
    expected = torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1, 0]))
    assert_near(loss[0], expected)
    theirs = torch.autograd.grad(expected, list(start.values()), allow_unused=True)
    for name, mine, reference in zip(start, ours, theirs, strict=True):
        if reference is None or reference.norm() < 1e-6:
            assert mine is None or mine.norm() < 1e-5, name
        else:
            assert_near(mine, reference, what=name)


def assert_learned(run: Path) -> None:
    """The mean loss of the last five steps is below that of the first five; what was fitted has a loss of its own."""
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    known = [line["loss"][0] for line in lines if line["step"] and line["loss"][0] is not None]
    assert sum(known[-5:]) < (sum(known[:5]) if len(known) > 1 else math.log(2))


def assert_answers_alone_as_together(run: Path, pretrained: Pretrained) -> None:
    """A row gets the same answer alone and among others."""
    engine = open_engine(run, pretrained=pretrained)
    together = engine.answer([Request("run", {"text": text}) for text in TEXTS])
    for text, answer in zip(TEXTS, together, strict=True):
        [alone] = engine.answer([Request("run", {"text": text})])
        assert_near(alone.probabilities, answer.probabilities)


def assert_answers_mixed_as_alone(folder: Path, names: Sequence[str], pretrained: Pretrained) -> None:
    """A row gets the same answer in a batch of all the runs and by its run alone."""
    engine = Engine(pretrained)
    for name in names:
        engine.add(name, load_run(folder / name))
    mixed = [Request(name, {"text": text}) for text in TEXTS for name in names]
    alone = {name: open_engine(folder / name, pretrained=pretrained) for name in names}
    for request, answer in zip(mixed, engine.answer(mixed), strict=True):
        [expected] = alone[request.run].answer([Request("run", request.fields)])
        assert_near(answer.probabilities, expected.probabilities)


def assert_same_from_peft(task: Task, folder: Path, *, base: Path, pretrained: Pretrained) -> None:
    """A run that is tuned, exported for PEFT and imported again answers as it did."""
    tune.run(task, folder / "run", base=base, report=False, pretrained=pretrained)
    exchange.export(folder / "run", folder / "out", pretrained=pretrained)
    exchange.import_(folder / "out", task, folder / "again", base=base, pretrained=pretrained)
    requests = [Request("run", {"text": text}) for text in TEXTS]
    expected, found = (
        [a.probabilities for a in open_engine(folder / name, pretrained=pretrained).answer(requests)]
        for name in ("run", "again")
    )
    assert found == [pytest.approx(row, abs=1e-6) for row in expected]
