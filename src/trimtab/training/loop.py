"""The training loop: a generator of step records over several runs at once. Knows nothing about prompts or labels.

K runs train in one pass: each has its own parameters, seed and data order, and none touches another.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from trimtab.errors import TrimtabError
from trimtab.runs.tensors import Stored
from trimtab.training.optimisers import make_optimiser, rate_at


@dataclass(frozen=True)
class Plan:
    """How to train, everything picked.

    Attributes:
        rows: training examples.
        steps: optimiser steps.
        batch_size: rows a step and run.
        accumulate: parts each batch is split into.
        evaluate_every: steps between evaluations; the last step is always evaluated.
        patience: evaluations without improvement before a run stops, or None.
        rate: peak learning rate, in the parameters' own units.
        seeds: one a run.
        dev_rows: rows of dev that are scored at each evaluation.
        judging: what an evaluation is foreseen to take, in steps.
    """

    rows: int
    steps: int
    batch_size: int
    evaluate_every: int
    rate: float
    seeds: tuple[int, ...]
    accumulate: int = 1
    patience: int | None = None
    optimiser: Literal["adamw", "adafactor", "sgd"] = "adamw"
    schedule: Literal["constant", "linear", "cosine", "exponential"] = "cosine"
    warmup: float = 0.06
    weight_decay: float = 0.0
    clip: float | None = 1.0
    dev_rows: int = 0
    judging: float = 0.0

    @property
    def work(self) -> float:
        """What the whole is foreseen to take, evaluations included, in steps."""
        return self.work_done(self.steps)

    def work_done(self, step: int) -> float:
        """What the steps up to this one are foreseen to take, evaluations included, in steps."""
        return step + self.evaluations(step) * self.judging

    def evaluations(self, step: int) -> int:
        """How often dev has been scored when this step is done; the last step is always evaluated."""
        return step // self.evaluate_every + (step == self.steps and step % self.evaluate_every > 0)

    def batch(self, run: int, step: int) -> list[int]:
        """Indices of the rows of one step: shuffled passes over the data, one after another, from the seed alone."""
        start = step * self.batch_size
        out: list[int] = []
        for at in range(start, start + self.batch_size):
            epoch, place = divmod(at, self.rows)
            out.append(int(_order(self.seeds[run], epoch, self.rows)[place]))
        return out

    def first_seen(self) -> list[int]:
        """Indices of all rows that are trained on, in the order in which any run first comes to them."""
        seen: dict[int, None] = {}
        for step in range(self.steps):
            for run in range(len(self.seeds)):
                seen |= dict.fromkeys(self.batch(run, step))
            if len(seen) == self.rows:
                break
        return list(seen)


_orders: dict[tuple[int, int, int], np.ndarray] = {}


def _order(seed: int, epoch: int, rows: int) -> np.ndarray:
    key = (seed, epoch, rows)
    if key not in _orders:
        if len(_orders) > 256:
            _orders.clear()
        _orders[key] = np.random.default_rng([seed, 2, epoch]).permutation(rows)
    return _orders[key]


@dataclass(frozen=True)
class DevScore:
    """A run's score on dev: higher accuracy is better, then lower loss."""

    accuracy: float
    loss: float

    def beats(self, other: DevScore | None) -> bool:
        """Whether this is better than `other`."""
        return other is None or (self.accuracy, -self.loss) > (other.accuracy, -other.loss)


@dataclass(frozen=True)
class StepRecord:
    """What one step did; lists have one entry a run, None for a run that has stopped.

    Attributes:
        step: steps done, from 1.
        epoch: passes over the data done.
        rate: learning rate, as planned.
        losses: mean training loss of the step's rows.
        dev: scores, on steps that are evaluated.
        seconds: time of this step, evaluation included.
    """

    step: int
    epoch: float
    rate: float
    losses: list[float | None]
    dev: list[DevScore | None] | None
    seconds: float


# What one run trains, by name.
Parameters = dict[str, torch.Tensor]
# (active runs, their parameters, the rows of each, step) -> mean loss of each run; gradients flow to the parameters.
Loss = Callable[[Sequence[int], Sequence[Parameters], Sequence[Sequence[int]], int], torch.Tensor]
# (active runs, their parameters) -> dev score of each.
Evaluate = Callable[[Sequence[int], Sequence[Parameters]], Sequence[DevScore]]


def _same(_: str) -> float:
    return 1.0


@dataclass
class Training:
    """The state of a training job. Iterate over `steps()`; take a `checkpoint()` between steps.

    Attributes:
        plan: how to train.
        parameters: one set a run, float32, changed in place.
        factor: learning rate of a parameter, by name, relative to the run's.
        best: the best parameters so far of each run, by dev score.
        best_scores, best_steps: their scores and the steps they were reached at.
        done: steps done.
    """

    plan: Plan
    parameters: list[Parameters]
    loss: Loss
    evaluate: Evaluate
    factor: Callable[[str], float] = _same
    done: int = 0
    best: list[Parameters] = field(default_factory=list)
    best_scores: list[DevScore | None] = field(default_factory=list)
    best_steps: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    active: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        runs = len(self.parameters)
        self.parameters = [
            {name: p.detach().clone(memory_format=torch.contiguous_format).requires_grad_() for name, p in own.items()}
            for own in self.parameters
        ]
        self.best = [_copy(own) for own in self.parameters]
        self.best_scores, self.best_steps = [None] * runs, [0] * runs
        self.stale, self.active = [0] * runs, [True] * runs
        self._names = [(k, name) for k, own in enumerate(self.parameters) for name in own]
        if self._names:  # some methods train nothing, and take no step
            flat = [self.parameters[k][name] for k, name in self._names]
            self.optimiser = make_optimiser(self.plan.optimiser, flat, self.plan.weight_decay)

    def steps(self) -> Iterator[StepRecord]:
        """Train to the end, yielding after each step.

        Raises:
            TrimtabError: when a loss is no longer finite; parameters are those before the step.
        """
        plan = self.plan
        while self.done < plan.steps and any(self.active):
            began = time.perf_counter()
            runs = [k for k, active in enumerate(self.active) if active]
            rate = rate_at(self.done, plan.steps, plan.rate, plan.schedule, plan.warmup)
            losses = self._step(runs, rate)
            self.done += 1
            dev: list[DevScore | None] | None = None
            if self.done % plan.evaluate_every == 0 or self.done == plan.steps:
                dev = self._judge(runs)
            yield StepRecord(
                self.done,
                self.done * plan.batch_size / plan.rows,
                rate,
                losses,
                dev,
                time.perf_counter() - began,
            )

    def _step(self, runs: list[int], rate: float) -> list[float | None]:
        plan, parts = self.plan, self.plan.accumulate
        totals = [0.0] * len(self.parameters)
        self.optimiser.zero_grad(set_to_none=True)
        batches = [plan.batch(k, self.done) for k in runs]
        for part in range(parts):
            rows = [batch[part::parts] for batch in batches]
            rows_left = [len(r) for r in rows]
            if not all(rows_left):
                continue
            losses_K = self.loss(runs, [self.parameters[k] for k in runs], rows, self.done)
            shares = torch.tensor([n / plan.batch_size for n in rows_left], device=losses_K.device)
            (losses_K * shares).sum().backward()  # type: ignore[no-untyped-call]
            for k, value in zip(runs, (losses_K.detach() * shares).tolist(), strict=True):
                totals[k] += value
        for k in runs:
            own = list(self.parameters[k].values())
            gradients = [p.grad for p in own if p.grad is not None]
            norm = torch.nn.utils.get_total_norm(gradients)  # not finite where one of them is not
            if not math.isfinite(totals[k]) or not bool(torch.isfinite(norm)):
                what = "gradient" if math.isfinite(totals[k]) else "loss"
                raise TrimtabError(
                    f"training diverged: the {what} of seed {plan.seeds[k]} is not finite at step {self.done + 1} "
                    f"(rate {rate:.3g}).",
                    f"Lower train.rate, to {plan.rate / 4:.2g} say.",
                )
            if plan.clip is not None:
                torch.nn.utils.clip_grads_with_norm_(own, plan.clip, norm)
        for group, (_, name) in zip(self.optimiser.param_groups, self._names, strict=True):
            group["lr"] = rate * self.factor(name)
        self.optimiser.step()
        return [totals[k] if k in runs else None for k in range(len(self.parameters))]

    def judge_start(self) -> None:
        """Score what training starts from, so that it counts among what is best."""
        self._judge(list(range(len(self.parameters))))

    def _judge(self, runs: list[int]) -> list[DevScore | None]:
        scores: list[DevScore | None] = [None] * len(self.parameters)
        for k, score in zip(runs, self.evaluate(runs, [_detached(self.parameters[k]) for k in runs]), strict=True):
            scores[k] = score
            if score.beats(self.best_scores[k]):
                self.best_scores[k], self.best_steps[k], self.stale[k] = score, self.done, 0
                self.best[k] = _copy(self.parameters[k])
            else:
                self.stale[k] += 1
                self.active[k] = self.plan.patience is None or self.stale[k] < self.plan.patience
        return scores

    def checkpoint(self) -> Stored:
        """Everything needed to go on from here."""
        tensors = {f"parameter.{k}.{name}": self.parameters[k][name].detach() for k, name in self._names}
        tensors |= {f"best.{k}.{name}": self.best[k][name] for k, name in self._names}
        numbers: dict[str, Any] = {}
        for i, state in self.optimiser.state_dict()["state"].items():
            for name, value in state.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"optimiser.{i}.{name}"] = value
                elif value is not None:
                    numbers[f"{i}.{name}"] = value
        values = {
            "done": self.done,
            "best_scores": [[s.accuracy, s.loss] if s else None for s in self.best_scores],
            "best_steps": self.best_steps,
            "stale": self.stale,
            "active": self.active,
            "optimiser": numbers,
        }
        return Stored(tensors, values)

    def restore(self, checkpoint: Stored) -> None:
        """Go on from a checkpoint of the same plan.

        Raises:
            TrimtabError: if the checkpoint is of another job.
        """
        tensors, values = checkpoint.tensors, checkpoint.values
        try:
            state: dict[int, dict[str, Any]] = {}
            for k, name in self._names:
                with torch.no_grad():
                    self.parameters[k][name].copy_(tensors[f"parameter.{k}.{name}"])
                self.best[k][name] = tensors[f"best.{k}.{name}"].to(self.parameters[k][name].device)
            for name, tensor in tensors.items():
                if name.startswith("optimiser."):
                    _, i_text, key = name.split(".", 2)
                    state.setdefault(int(i_text), {})[key] = tensor
            for name, number in values["optimiser"].items():
                i_text, key = name.split(".", 1)
                state.setdefault(int(i_text), {})[key] = number
            self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})
            self.best_scores = [DevScore(*s) if s else None for s in values["best_scores"]]
            self.done, self.best_steps = values["done"], values["best_steps"]
            self.stale, self.active = values["stale"], values["active"]
        except (KeyError, RuntimeError, TypeError) as error:
            raise TrimtabError(
                f"the checkpoint does not fit this task ({error}).", "Delete it, then use --resume to start over."
            ) from None


def _detached(parameters: Parameters) -> Parameters:
    return {name: p.detach() for name, p in parameters.items()}


def _copy(parameters: Parameters) -> Parameters:
    return {name: p.detach().clone() for name, p in parameters.items()}
