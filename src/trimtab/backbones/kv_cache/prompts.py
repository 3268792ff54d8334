"""The prompts of rows that are decoded, each held once however many rows are read with it. Knows nothing about models.

Prompts come with the rows that need them, and their places are taken by others once no row does.

N rows, K prompts, P tokens of the longest prompt, J key/value heads, d head size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from trimtab.backbones.kv_cache.shared import SharedKV
from trimtab.backbones.prefix import KVCache, PrefixState


class PromptSlots:
    """Keys and values of prompts [K, J, P, d] a layer, and which of them each row is read with.

    One prompt alone is held as its state has it; of several there is one copy, with room for more.

    Attributes:
        shared: which rows read which prompt.
    """

    shared: SharedKV

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._names: list[object] = []  # of the prompt in each slot
        self._lengths: list[int] = []
        self._slot_of_row: list[int] = []
        self._layers: list[tuple[torch.Tensor, torch.Tensor]] = []  # [slots, J, room, d]
        self._borrowed = False  # whether they are a view of a prompt's state

    @property
    def layers(self) -> KVCache:
        """Keys and values [K, J, P, d] a layer; none where no prompt has a token. Finite behind a prompt's end."""
        K, P = len(self._names), self.shared.longest
        return tuple((k[:K, :, :P], v[:K, :, :P]) for k, v in self._layers) if P else ()

    def admit(self, prefix: PrefixState | None, prompt_of_row: Sequence[int]) -> None:
        """Rows that come behind those there are.

        Args:
            prefix: prompts, read before; None where rows stand alone.
            prompt_of_row: which of them each row is read with.
        """
        slots: dict[int, int] = {}
        fresh = []
        for k in sorted(set(prompt_of_row)):
            name = prefix.names[k] if prefix else None
            if name in self._names:
                slots[k] = self._names.index(name)
            else:
                fresh.append((k, name))
        unused = [at for at in range(len(self._names)) if at not in {*self._slot_of_row, *slots.values()}]
        for k, name in fresh:
            slots[k] = at = unused.pop(0) if unused else len(self._names)
            length = prefix.lengths[k] if prefix else 0
            self._names[at : at + 1], self._lengths[at : at + 1] = [name], [length]
            if prefix and length:
                self._write(at, prefix.layers, sum(prefix.lengths[:k]), length)
        self._slot_of_row += [slots[k] for k in prompt_of_row]
        self._place()

    def select(self, rows: Sequence[int]) -> None:
        """Go on with these rows, in this order."""
        self._slot_of_row = [self._slot_of_row[i] for i in rows]
        used = sorted(set(self._slot_of_row))
        if used and 2 * len(used) <= len(self._names):  # what is read of the others would be for nothing
            longest = max(self._lengths[k] for k in used)
            index = torch.tensor(used, device=self._device)
            self._layers = [
                (k[:, :, :longest].index_select(0, index), v[:, :, :longest].index_select(0, index))
                for k, v in self._layers
            ]
            self._borrowed = False
            self._names = [self._names[k] for k in used]
            self._lengths = [self._lengths[k] for k in used]
            self._slot_of_row = [used.index(k) for k in self._slot_of_row]
        self._place()

    def _place(self) -> None:
        self.shared = SharedKV(self._lengths, self._slot_of_row, self._device)

    def _write(self, at: int, layers: KVCache, start: int, length: int) -> None:
        """Put keys and values of a prompt, packed [S, J, d] with others, into a slot."""
        if len(self._names) == 1:
            self._layers = [(_alone(k, start, length), _alone(v, start, length)) for k, v in layers]
            self._borrowed = True
            return
        slots, _, room, _ = self._layers[0][0].shape if self._layers else (0, 0, 0, 0)
        if self._borrowed or at >= slots or length > room:
            slots, room = max(slots, at + 1 + at // 2), max(room, length)
            before: Sequence[tuple[torch.Tensor | None, torch.Tensor | None]]
            before = self._layers or [(None, None)] * len(layers)
            self._layers = [
                (_roomier(k, own_k, slots, room), _roomier(v, own_v, slots, room))
                for (k, v), (own_k, own_v) in zip(before, layers, strict=True)
            ]
            self._borrowed = False
        for kept, own in zip(self._layers, layers, strict=True):
            for x, packed in zip(kept, own, strict=True):
                x[at, :, :length] = packed[start : start + length].transpose(0, 1)


def _alone(packed_SJd: torch.Tensor, start: int, length: int) -> torch.Tensor:
    return packed_SJd[start : start + length].transpose(0, 1)[None]


def _roomier(kept: torch.Tensor | None, like_SJd: torch.Tensor, slots: int, room: int) -> torch.Tensor:
    """Zeros [slots, J, room, d] with what is kept in front."""
    out = like_SJd.new_zeros(slots, like_SJd.shape[1], room, like_SJd.shape[2])
    if kept is not None:
        out[: kept.shape[0], :, : kept.shape[2]] = kept
    return out
