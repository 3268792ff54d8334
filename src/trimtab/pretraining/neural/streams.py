"""Recurrent models by truncated back-propagation through time (Williams & Peng 1990), over streams side by side.

Train is cut into as many streams as a batch has rows. Each step reads the next segment of all of them; the state behind
it is where the next one starts, but no gradient goes back into it. A pass over train starts from zeros.

B streams, T tokens of a segment, R = T B tokens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from trimtab.backbones.recurrent.model import LayerState, RecurrentForCausalLM
from trimtab.errors import DataError
from trimtab.pretraining.neural.reader import Ids, drawing, placed
from trimtab.training.loop import Parameters

State = tuple[LayerState, ...]
# Streams that what is scored is cut into, where each then has this many tokens or more.
SCORED_TOGETHER, SCORED_LENGTH = 16, 1000


class _Segment(nn.Module):
    """A model and its cross entropy, as one module, so that it is called with parameters of the loop's."""

    def __init__(self, model: RecurrentForCausalLM, bfloat16: bool) -> None:
        super().__init__()
        self.model, self.reduced = model, bfloat16

    def forward(
        self, ids_R: torch.Tensor, targets_R: torch.Tensor, sizes_T: torch.Tensor, state: State
    ) -> tuple[torch.Tensor, State]:
        """Summed cross entropy, and the state behind."""
        hidden_RD, after = self.model.read(self.model.embedding(ids_R), sizes_T, state)
        with torch.autocast(ids_R.device.type, torch.bfloat16, enabled=self.reduced):
            logits_RV = self.model.output(hidden_RD)
        return F.cross_entropy(logits_RV.float(), targets_R, reduction="sum"), after


class Streams:
    """The streams of a corpus, and a model that reads them; see `Reader`.

    Args:
        model: one of our recurrent models; its own parameters are not used.
        ids_T: of train.
        streams: B.
        length: tokens of a segment.
        seed: of dropout.
        bfloat16: whether scores are computed in it.

    Raises:
        DataError: there are fewer tokens than streams.
    """

    def __init__(
        self, model: RecurrentForCausalLM, ids_T: Ids, *, streams: int, length: int, seed: int, bfloat16: bool
    ) -> None:
        if len(ids_T) < streams:
            raise DataError(
                f"train: {len(ids_T):,} tokens, which cannot be cut into {streams:,} streams.",
                "Lower train.batch_size, or give more text.",
            )
        self._segment = _Segment(model, bfloat16)
        self._ids_T, self._streams, self._length, self._seed = ids_T, streams, length, seed
        self._tokens = len(ids_T) // streams  # of a stream; what is left over is not read
        self._state: State = model.start(streams)

    @property
    def segments(self) -> int:
        """Segments of a stream."""
        return math.ceil(self._tokens / self._length)

    @property
    def rows(self) -> int:
        """See Reader."""
        return self.segments * self._streams

    @property
    def _device(self) -> torch.device:
        return self._segment.model.device  # type: ignore[no-any-return]

    def loss(
        self, runs: Sequence[int], parameters: Sequence[Parameters], rows: Sequence[Sequence[int]], step: int
    ) -> torch.Tensor:
        """See Reader: of the segment whose turn it is, whatever the rows."""
        [own] = parameters
        at = step % self.segments * self._length
        if at == 0:
            self._state = self._segment.model.start(self._streams)
        T = min(self._length, self._tokens - at)
        where_TB = at + np.arange(T)[:, None] + np.arange(self._streams) * self._tokens
        self._segment.train()
        with drawing(self._seed, step, self._device):
            nats, after = self._read(own, self._ids_T, where_TB.ravel(), torch.full((T,), self._streams), self._state)
        self._state = tuple(tuple(part.detach() for part in layer) for layer in after)
        return (nats / where_TB.size)[None]

    def nats(self, parameters: Parameters, ids_T: Ids) -> float:
        """See Reader: in streams of equal length but for a token, each from zeros."""
        B = max(1, min(SCORED_TOGETHER, len(ids_T) // SCORED_LENGTH))
        lengths_B = np.full(B, len(ids_T) // B) + (np.arange(B) < len(ids_T) % B)  # the longest first
        starts_B = np.cumsum(lengths_B) - lengths_B
        state, total = self._segment.model.start(B), 0.0
        self._segment.eval()
        for at in range(0, int(lengths_B[0]), self._length):
            times_T = np.arange(at, min(at + self._length, int(lengths_B[0])))
            inside_TB = times_T[:, None] < lengths_B
            sizes_T = inside_TB.sum(1)
            state = tuple(tuple(part[: sizes_T[0]] for part in layer) for layer in state)
            where_R = (times_T[:, None] + starts_B)[inside_TB]
            with torch.no_grad():
                nats, state = self._read(parameters, ids_T, where_R, torch.from_numpy(sizes_T), state)
            total += float(nats)
        return total

    def _read(
        self, parameters: Parameters, ids_T: Ids, where_R: np.ndarray, sizes_T: torch.Tensor, state: State
    ) -> tuple[torch.Tensor, State]:
        read_R, targets_R = placed(ids_T, where_R, self._device)
        own = {f"model.{name}": tensor for name, tensor in parameters.items()}
        return functional_call(self._segment, own, (read_R, targets_R, sizes_T, state))  # type: ignore[no-any-return]

    def carried(self) -> dict[str, torch.Tensor]:
        """See Reader: the state behind the last segment."""
        return {f"state.{i}.{j}": part for i, layer in enumerate(self._state) for j, part in enumerate(layer)}

    def carry(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """See Reader."""
        self._state = tuple(
            tuple(tensors[f"state.{i}.{j}"].to(self._device) for j in range(len(layer)))
            for i, layer in enumerate(self._state)
        )
