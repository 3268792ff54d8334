"""What carries out a training, whether in steps or at once. Knows nothing about prompts, labels or files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from trimtab.runs.tensors import Stored
from trimtab.training.loop import DevScore, Parameters, Plan, StepRecord


class Trainer(Protocol):
    """A training that can be stopped between steps and taken up again; see `trimtab.training.loop.Training`."""

    @property
    def plan(self) -> Plan: ...  # noqa: D102

    @property
    def parameters(self) -> list[Parameters]: ...  # noqa: D102

    @property
    def best(self) -> list[Parameters]: ...  # noqa: D102

    @property
    def best_scores(self) -> list[DevScore | None]: ...  # noqa: D102

    @property
    def best_steps(self) -> list[int]: ...  # noqa: D102

    @property
    def done(self) -> int: ...  # noqa: D102

    def steps(self) -> Iterator[StepRecord]:
        """Train to the end, yielding after each step."""
        ...

    def checkpoint(self) -> Stored:
        """Everything needed to go on from here."""
        ...

    def restore(self, checkpoint: Stored) -> None:
        """Go on from a checkpoint. Raises TrimtabError where it is of another job."""
        ...
