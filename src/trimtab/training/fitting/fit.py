"""A head that is fitted at once to hidden states that are read once. Knows nothing about what it says, tasks or files.

W hidden states of all rows, w of one row, D hidden, C outputs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch

from trimtab.decoding.readers import Head
from trimtab.errors import TrimtabError
from trimtab.runs.tensors import Stored
from trimtab.settings.task import TrainSettings
from trimtab.training.head_criterion import Fitted
from trimtab.training.kept_rows import States
from trimtab.training.loop import DevScore, Parameters, Plan, StepRecord
from trimtab.training.plan import FEWEST, Dev, allowed_rows

# (hidden states [w, D] of each row of train, the head before) -> the fitted head
Solve = Callable[[Sequence[torch.Tensor], Head], Fitted]


@dataclass
class Fit:
    """A fit as a training: a step for each group of rows that is read, and a last one in which the head is fitted.

    What it ends with follows from the rows alone, bit for bit, wherever it was stopped: no seed has a part in it.

    Attributes:
        plan: `fit_plan`'s.
        head: `weight` [C, D] and `bias` [C], before the fit and after it.
        groups: indices of rows of train, in the groups in which they are read.
        read: their hidden states.
        solve: what fits the head to them.
        evaluate: dev score of the head.
    """

    plan: Plan
    head: Parameters
    groups: Sequence[Sequence[int]]
    read: States
    solve: Solve
    evaluate: Callable[[Sequence[int], Sequence[Parameters]], Sequence[DevScore]]
    done: int = 0
    best_scores: list[DevScore | None] = field(default_factory=lambda: [None])
    best_steps: list[int] = field(default_factory=lambda: [0])
    _states: dict[int, torch.Tensor] = field(default_factory=dict)

    @property
    def parameters(self) -> list[Parameters]:
        """The head as it is."""
        return [self.head]

    @property
    def best(self) -> list[Parameters]:
        """The same: there is one only."""
        return [self.head]

    def steps(self) -> Iterator[StepRecord]:
        """Read all rows, then fit."""
        while self.done < self.plan.steps:
            began = time.perf_counter()
            losses: list[float | None] = [None]
            dev: list[DevScore | None] | None = None
            if self.done < len(self.groups):
                members = self.groups[self.done]
                self._states |= dict(zip(members, self.read(members), strict=True))
                self.done += 1
            else:
                before = self.head["weight"], self.head["bias"]
                fitted = self.solve([self._states[i] for i in range(self.plan.rows)], before)
                self.head = dict(zip(("weight", "bias"), fitted.head, strict=True))
                self.done += 1
                score = self.evaluate([0], [self.head])[0]
                self.best_scores, self.best_steps, losses, dev = [score], [self.done], [fitted.loss], [score]
            share = len(self._states) / self.plan.rows
            yield StepRecord(self.done, share, 0.0, losses, dev, time.perf_counter() - began)

    def checkpoint(self) -> Stored:
        """What was read so far."""
        states = list(self._states.values())
        values = {"done": self.done, "rows": list(self._states), "counts": list(map(len, states))}
        return Stored({"states": torch.cat(states)} if states else {}, values)

    def restore(self, checkpoint: Stored) -> None:
        """Go on reading behind what was read. Raises TrimtabError where other rows were read."""
        done, rows, counts = (checkpoint.values.get(name) for name in ("done", "rows", "counts"))
        states = checkpoint.tensors.get("states", torch.zeros(0))
        read = [i for group in self.groups[:done] for i in group] if isinstance(done, int) else None
        if read is None or rows != read or len(counts or ()) != len(read) or sum(counts or ()) != len(states):
            raise TrimtabError("the checkpoint does not fit this task.", "Delete it, then use --resume to start over.")
        self._states = dict(zip(read, torch.split(states, counts or []), strict=True)) if read else {}
        self.done = min(int(done or 0), len(self.groups))


def fit_plan(rows: int, groups: int, seed: int, dev: Dev) -> Plan:
    """The plan of a fit to `rows` rows that are read in so many groups, scored on as much of dev as is read of it."""
    steps, judging = groups + 1, dev.rows * dev.weight * groups / rows
    return Plan(
        rows=rows, steps=steps, batch_size=rows, evaluate_every=steps, rate=0.0, seeds=(seed,), dev_rows=dev.rows,
        judging=judging,
    )  # fmt: skip


def fit_dev_rows(settings: TrainSettings, rows: int, dev: Dev) -> int:
    """Rows of dev that a fit to `rows` rows is scored on: it chooses nothing by them, and reads all rows but once."""
    return min(dev.rows, settings.evaluate_rows or max(FEWEST, int(allowed_rows(rows, dev))))
