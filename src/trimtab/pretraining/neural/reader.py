"""What a training in steps asks of a kind of model, and the loop that keeps what it carries from step to step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from trimtab.runs.tensors import Stored
from trimtab.training.loop import Parameters, Training

# Token ids of a split, one document after another.
Ids = NDArray[np.unsignedinteger[Any]]


class Reader(Protocol):
    """How a kind of model reads the ids of a corpus: in training, and to be scored.

    Attributes:
        rows: segments of a pass over train.
    """

    @property
    def rows(self) -> int: ...  # noqa: D102

    def loss(
        self, runs: Sequence[int], parameters: Sequence[Parameters], rows: Sequence[Sequence[int]], step: int
    ) -> torch.Tensor:
        """Mean cross entropy [1] of the tokens of a step; see `trimtab.training.loop.Loss`."""
        ...

    def nats(self, parameters: Parameters, ids_T: Ids) -> float:
        """Negative log-likelihood of all tokens, in nats."""
        ...

    def carried(self) -> dict[str, torch.Tensor]:
        """What the next step goes on from beside the parameters."""
        ...

    def carry(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from what `carried` said."""
        ...


@dataclass
class CarryingTraining(Training):
    """The loop, whose checkpoints hold what the reader carries too."""

    reader: Reader | None = None

    def checkpoint(self) -> Stored:
        """See Training."""
        stored = super().checkpoint()
        assert self.reader is not None
        return Stored({**stored.tensors, **self.reader.carried()}, stored.values)

    def restore(self, checkpoint: Stored) -> None:
        """See Training."""
        super().restore(checkpoint)
        assert self.reader is not None
        self.reader.carry(checkpoint.tensors)


def placed(ids_T: Ids, at: NDArray[np.int64], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """What is read where the tokens of some places are foretold, and those tokens, in the shape of `at`.

    It is the token before; before the first, what ends the last document, which is the end of text.
    """
    return tuple(torch.from_numpy(ids_T[where].astype(np.int64)).to(device) for where in (at - 1, at))  # type: ignore[return-value]


@contextmanager
def drawing(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Draw by the seed and the step alone, and leave what others draw as it is."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed((seed << 30) + step)
        yield
