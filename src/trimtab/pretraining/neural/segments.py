"""Transformers over segments of a corpus, shuffled pass by pass: the cross entropy of all their tokens.

B segments, T tokens of one, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.func import functional_call
from torch.nn import functional as F
from transformers import PreTrainedModel

from trimtab.errors import DataError
from trimtab.pretraining.neural.reader import Ids, drawing, placed
from trimtab.training.loop import Parameters

# Tokens that are scored in one pass, about.
SCORED_TOGETHER = 4096


class Segments:
    """The segments of a corpus, and a model that reads them; see `Reader`.

    Args:
        model: a causal one; its own parameters are not used.
        ids_T: of train.
        length: T, the model's context.
        seed: of what the model draws.
        bfloat16: whether it computes in it.

    Raises:
        DataError: there are fewer tokens than a segment has.
    """

    def __init__(self, model: PreTrainedModel, ids_T: Ids, *, length: int, seed: int, bfloat16: bool) -> None:
        if len(ids_T) < length:
            raise DataError(
                f"train: {len(ids_T):,} tokens, fewer than the {length:,} of a segment.",
                "Lower train.length, or give more text.",
            )
        self._model, self._ids_T, self._length = model, ids_T, length
        self._seed, self._bfloat16 = seed, bfloat16

    @property
    def rows(self) -> int:
        """See Reader; what is left over is not read."""
        return len(self._ids_T) // self._length

    def loss(
        self, runs: Sequence[int], parameters: Sequence[Parameters], rows: Sequence[Sequence[int]], step: int
    ) -> torch.Tensor:
        """See Reader: of the segments with the numbers `rows`."""
        [own], [numbers] = parameters, rows
        where_BT = np.array(numbers)[:, None] * self._length + np.arange(self._length)
        self._model.train()
        with drawing(self._seed, step, self._model.device):
            return self._losses(own, self._ids_T, where_BT).mean()[None]

    def nats(self, parameters: Parameters, ids_T: Ids) -> float:
        """See Reader: in windows that move on by half of their length, each token behind at least half a window."""
        T = min(self._length, len(ids_T))
        step, B = max(1, T // 2), max(1, SCORED_TOGETHER // T)
        starts = [*range(0, len(ids_T) - T, step), len(ids_T) - T]
        self._model.eval()
        total, scored = 0.0, 0
        for at in range(0, len(starts), B):
            where_BT = np.array(starts[at : at + B])[:, None] + np.arange(T)
            with torch.no_grad():
                losses_BT = self._losses(parameters, ids_T, where_BT).double().cpu().numpy()
            for where_T, losses_T in zip(where_BT, losses_BT, strict=True):
                total += float(losses_T[where_T >= scored].sum())
                scored = int(where_T[-1]) + 1
        return total

    def _losses(self, parameters: Parameters, ids_T: Ids, where_BT: np.ndarray) -> torch.Tensor:
        """Cross entropy [B, T] of the tokens at these places."""
        read_BT, targets_BT = placed(ids_T, where_BT, self._model.device)
        with torch.autocast(read_BT.device.type, torch.bfloat16, enabled=self._bfloat16):
            found = functional_call(self._model, parameters, (), {"input_ids": read_BT, "use_cache": False})
        losses_R = F.cross_entropy(found.logits.float().flatten(0, 1), targets_BT.flatten(), reduction="none")
        return losses_R.view(targets_BT.shape)

    def carried(self) -> dict[str, torch.Tensor]:
        """See Reader: nothing."""
        return {}

    def carry(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """See Reader."""
