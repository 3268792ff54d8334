"""The KV cache of rows that a causal model decodes token by token. Knows nothing about which token comes next.

Each prompt's keys and values are there once, whatever the number of rows behind it; rows of different prompts share
every matrix product. A row keeps its own keys and values only.

N rows, P tokens of the longest prompt, R tokens of all rows, T tokens of the longest row, H query heads, J key/value
heads, G = H / J, d head size, D hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from trimtab.backbones.attention import joint
from trimtab.backbones.attention.packed import Attend
from trimtab.backbones.attention.scoring import Scoring
from trimtab.backbones.kv_cache.prompts import PromptSlots
from trimtab.backbones.layout import Layout, Row
from trimtab.backbones.prefix import KVCache, PrefixState

# Room for this many further tokens is made at a time.
ROOM = 32

# Tokens [N, D] and their positions [N] through some layers, whose attention is the caller's: [N, D].
Through = Callable[[torch.Tensor, torch.Tensor, Attend], torch.Tensor]


class CachedRows:
    """Rows of which keys and values are kept, layer by layer: a step computes one token a row. See `backbone.Decoding`.

    Args:
        embed: makes input embeddings [N, D] of token ids [N].
        entering: packs rows, and says what the first layers are given of them [R, D].
        stacks: all layers, the first first.
        rows: the first rows.
        prefix: prompts that they are read with.
    """

    def __init__(
        self,
        embed: Callable[[torch.Tensor], torch.Tensor],
        entering: Callable[[Sequence[Row], PrefixState | None], tuple[Layout, torch.Tensor]],
        stacks: Sequence[CachedLayers],
        rows: Sequence[Row],
        prefix: PrefixState | None,
    ) -> None:
        self._embed, self._entering, self._stacks = embed, entering, stacks
        self.hidden = self._read(rows, prefix)

    def admit(self, rows: Sequence[Row], prefix: PrefixState | None) -> bool:
        """See Decoding."""
        self.hidden = torch.cat([self.hidden, self._read(rows, prefix)])
        return True

    def _read(self, rows: Sequence[Row], prefix: PrefixState | None) -> torch.Tensor:
        layout, x_RD = self._entering(rows, prefix)
        for stack in self._stacks:
            x_RD = stack.admit(x_RD, layout, prefix)
        return x_RD.index_select(0, layout.answers_B)

    def step(self, tokens_N: torch.Tensor) -> None:
        """See Decoding."""
        x_ND = self._embed(tokens_N)
        for stack in self._stacks:
            x_ND = stack.step(x_ND)
        self.hidden = x_ND

    def select(self, rows_M: torch.Tensor) -> None:
        """See Decoding."""
        for stack in self._stacks:
            stack.select(rows_M)
        self.hidden = self.hidden.index_select(0, rows_M)


class CachedLayers:
    """Layers that rows go through, and the keys and values that each row keeps of them, in a slot of its own.

    Rows come and go, and those that stay are not copied.

    Args:
        through: runs the layers.
        device: where they are.
        beside: what rows, and what stands before them, are in these layers, where it is not as in all.
    """

    def __init__(
        self,
        through: Through,
        device: torch.device,
        beside: Callable[[Layout], tuple[Layout, PrefixState]] | None = None,
    ) -> None:
        self._through, self._beside = through, beside
        self._keys: list[torch.Tensor] = []  # [slots, J, room, d] a layer; rows take the first N slots
        self._values: list[torch.Tensor] = []
        self._lengths_N = torch.zeros(0, dtype=torch.long, device=device)
        self._longest = 0
        self._prompts = PromptSlots(device)
        self._before: KVCache = ()
        self._masks: dict[int | None, tuple[torch.Tensor | None, torch.Tensor]] = {}

    def admit(self, x_RD: torch.Tensor, layout: Layout, prefix: PrefixState | None) -> torch.Tensor:
        """More rows behind those there are; their tokens through the layers: [R, D]."""
        if self._beside is not None:
            layout, prefix = self._beside(layout)
        lengths = prefix.lengths if prefix else ()
        rows, N, M = layout.rows, len(self._lengths_N), len(layout.rows)
        longest = max(len(row.ids) for row in rows)
        slots_MT = torch.zeros(M, longest, dtype=torch.long, device=x_RD.device)
        for places, start, row in zip(slots_MT, layout.starts, rows, strict=True):
            places[: len(row.ids)] = torch.arange(start, start + len(row.ids), device=x_RD.device)
        before_R = torch.tensor([lengths[row.prompt] if prefix else 0 for row in rows], device=x_RD.device)[
            layout.row_R
        ]
        kept: list[tuple[torch.Tensor, torch.Tensor]] = []

        def attend(layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scoring: Scoring) -> torch.Tensor:
            kept.append((k[slots_MT].transpose(1, 2), v[slots_MT].transpose(1, 2)))
            before = prefix.layers[layer] if prefix and prefix.layers else None
            return joint.attend(q, k, v, layout, scoring, prefix=before, prefix_lengths=lengths if before else ())

        x_RD = self._through(x_RD, layout.positions_R + before_R, attend)
        self._prompts.admit(prefix, [row.prompt for row in rows])
        self._before = self._prompts.layers
        self._lengths_N = torch.cat([self._lengths_N, self._lengths_N.new_tensor([len(row.ids) for row in rows])])
        self._longest = max(self._longest, longest)
        if not self._keys:
            self._keys, self._values = ([x[:0, :, :0] for x in own] for own in zip(*kept, strict=True))
        self._reserve(N + M)
        for layer, (k, v) in enumerate(kept):
            self._keys[layer][N : N + M, :, :longest], self._values[layer][N : N + M, :, :longest] = k, v
        self._masks = {}
        return x_RD

    def _reserve(self, rows: int) -> None:
        """Make room for so many rows, and for one more token of each."""
        slots, _, room, _ = self._keys[0].shape
        if rows <= slots and self._longest < room:
            return
        if rows > slots:
            slots = rows if not slots else rows + slots // 2
        if self._longest >= room:
            room = self._longest + ROOM + (self._longest // 2 if room else 0)
        self._keys, self._values = ([_in_room(x, slots, room) for x in kept] for kept in (self._keys, self._values))

    def step(self, x_ND: torch.Tensor) -> torch.Tensor:
        """One more token of each row through the layers: [N, D] -> [N, D]."""
        self._reserve(len(x_ND))
        self._longest += 1
        self._masks = {}
        x_ND = self._through(x_ND, self._lengths_N + self._prompts.shared.lengths_N, self._attend)
        self._lengths_N = self._lengths_N + 1
        return x_ND

    def _attend(
        self,
        layer: int,
        q_NHd: torch.Tensor,
        k_NJd: torch.Tensor,
        v_NJd: torch.Tensor,
        scoring: Scoring,
    ) -> torch.Tensor:
        """Each row's new token to its prompt and to all of its row: [N, H, d]."""
        N, H, d = q_NHd.shape
        J, T = k_NJd.shape[1], self._longest
        rows_N = torch.arange(N, device=q_NHd.device)
        keys, values = self._keys[layer], self._values[layer]
        keys[rows_N, :, self._lengths_N], values[rows_N, :, self._lengths_N] = k_NJd, v_NJd
        q_NJGd = q_NHd.reshape(N, J, H // J, d)
        hidden_prompt, hidden_row = self._hidden(scoring.window)
        own = scoring.scores(torch.matmul(q_NJGd, keys[:N, :, :T].transpose(2, 3)))
        own = own.masked_fill(hidden_row, float("-inf"))
        before = self._before[layer] if self._before else None
        beside = self._prompts.shared.beside
        return beside(q_NJGd, before, hidden_prompt, own, values[:N, :, :T], scoring).view(N, H, -1)

    def _hidden(self, window: int | None) -> tuple[torch.Tensor | None, torch.Tensor]:
        """What a row's new token must not see, of its prompt [N, P], or None, and of its row [N, 1, 1, T]."""
        if window not in self._masks:
            at_N, prompts = self._lengths_N, self._prompts.shared
            prompt = prompts.outside_NP
            slots_T = torch.arange(self._longest, device=at_N.device)
            row = slots_T > at_N[:, None]
            if window is not None:
                row = row | (at_N[:, None] - slots_T >= window)
                slots_P = torch.arange(prompts.longest, device=at_N.device)
                beyond = (prompts.lengths_N + at_N)[:, None] - slots_P >= window
                prompt = beyond if prompt is None else prompt | beyond
            self._masks[window] = prompt, row[:, None, None]
        return self._masks[window]

    def select(self, rows_M: torch.Tensor) -> None:
        """Go on with these rows, in this order; one may be taken several times. Rows that keep their place stay."""
        rows = rows_M.tolist()
        self._lengths_N = self._lengths_N.index_select(0, rows_M)
        self._longest = int(self._lengths_N.max())
        self._reserve(len(rows))
        moved = [(to, at) for to, at in enumerate(rows) if to != at]
        if moved:
            to_M, at_M = torch.tensor(moved, device=rows_M.device).T
            for x in (*self._keys, *self._values):
                x[to_M, :, : self._longest] = x[at_M, :, : self._longest]
        self._prompts.select(rows)
        self._before = self._prompts.layers
        self._masks = {}


def _in_room(x: torch.Tensor, slots: int, room: int) -> torch.Tensor:
    """What is kept, with zeros behind: [slots, J, room, d]."""
    out = x.new_zeros(slots, x.shape[1], room, x.shape[3])
    out[: x.shape[0], :, : x.shape[2]] = x
    return out
