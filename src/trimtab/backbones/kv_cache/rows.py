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
from trimtab.backbones.kv_cache.shared import prompts_of
from trimtab.backbones.layout import Layout
from trimtab.backbones.prefix import PrefixState

# Room for this many further tokens is made at a time.
ROOM = 32

# Tokens [N, D] and their positions [N] through some layers, whose attention is the caller's: [N, D].
Through = Callable[[torch.Tensor, torch.Tensor, Attend], torch.Tensor]


class CachedRows:
    """Rows of which keys and values are kept, layer by layer: a step computes one token a row. See `backbone.Decoding`.

    Args:
        embed: makes input embeddings [N, D] of token ids [N].
        layout: the rows.
        x_RD: what the first layers are given of them.
        stacks: all layers, the first first.
    """

    hidden: torch.Tensor

    def __init__(
        self,
        embed: Callable[[torch.Tensor], torch.Tensor],
        layout: Layout,
        x_RD: torch.Tensor,
        stacks: Sequence[CachedLayers],
    ) -> None:
        self._embed, self._stacks = embed, stacks
        for stack in stacks:
            x_RD = stack.read(x_RD)
        self.hidden = x_RD.index_select(0, layout.answers_B)

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
    """Layers that rows go through, and the keys and values that each row keeps of them.

    Args:
        through: runs the layers.
        layout: the rows.
        prefix: what rows have before them in these layers; or None.
    """

    def __init__(self, through: Through, layout: Layout, prefix: PrefixState | None) -> None:
        self._through, self._layout, self._prefix = through, layout, prefix
        self._keys: list[torch.Tensor] = []  # [N, J, room, d] a layer
        self._values: list[torch.Tensor] = []
        device, rows = layout.ids_R.device, layout.rows
        self._lengths_N = torch.tensor([len(row.ids) for row in rows], device=device)
        self._longest = max(len(row.ids) for row in rows)
        self._prompts, self._before = prompts_of(prefix, [row.prompt for row in rows], device)
        self._masks: dict[int | None, tuple[torch.Tensor | None, torch.Tensor]] = {}

    def read(self, x_RD: torch.Tensor) -> torch.Tensor:
        """The rows' tokens through the layers: [R, D]. Called once, before all else."""
        layout, prefix = self._layout, self._prefix
        lengths = prefix.lengths if prefix else ()
        N = len(layout.rows)
        places_NT = torch.zeros(N, self._longest, dtype=torch.long, device=x_RD.device)
        for place, start, row in zip(places_NT, layout.starts, layout.rows, strict=True):
            place[: len(row.ids)] = torch.arange(start, start + len(row.ids), device=x_RD.device)

        def attend(layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scoring: Scoring) -> torch.Tensor:
            for kept, own_RJd in ((self._keys, k), (self._values, v)):
                room = own_RJd.new_zeros(N, own_RJd.shape[1], self._longest + ROOM, own_RJd.shape[2])
                room[:, :, : self._longest] = own_RJd[places_NT].transpose(1, 2)
                kept.append(room)
            before = prefix.layers[layer] if prefix and prefix.layers else None
            return joint.attend(q, k, v, layout, scoring, prefix=before, prefix_lengths=lengths if before else ())

        return self._through(x_RD, layout.positions_R + self._prompts.lengths_N[layout.row_R], attend)

    def step(self, x_ND: torch.Tensor) -> torch.Tensor:
        """One more token of each row through the layers: [N, D] -> [N, D]."""
        self._longest += 1
        if self._longest > self._keys[0].shape[2]:
            more = ROOM + self._longest // 2
            self._keys, self._values = (
                [torch.nn.functional.pad(x, (0, 0, 0, more)) for x in kept] for kept in (self._keys, self._values)
            )
        self._masks = {}
        x_ND = self._through(x_ND, self._lengths_N + self._prompts.lengths_N, self._attend)
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
        own = scoring.scores(torch.matmul(q_NJGd, keys[:, :, :T].transpose(2, 3)))
        own = own.masked_fill(hidden_row, float("-inf"))
        before = self._before[layer] if self._before else None
        return self._prompts.beside(q_NJGd, before, hidden_prompt, own, values[:, :, :T], scoring).view(N, H, d)

    def _hidden(self, window: int | None) -> tuple[torch.Tensor | None, torch.Tensor]:
        """What a row's new token must not see, of its prompt [N, P], or None, and of its row [N, 1, 1, T]."""
        if window not in self._masks:
            at_N, prompt = self._lengths_N, self._prompts.outside_NP
            slots_T = torch.arange(self._longest, device=at_N.device)
            row = slots_T > at_N[:, None]
            if window is not None:
                row = row | (at_N[:, None] - slots_T >= window)
                slots_P = torch.arange(self._prompts.longest, device=at_N.device)
                beyond = (self._prompts.lengths_N + at_N)[:, None] - slots_P >= window
                prompt = beyond if prompt is None else prompt | beyond
            self._masks[window] = prompt, row[:, None, None]
        return self._masks[window]

    def select(self, rows_M: torch.Tensor) -> None:
        """Go on with these rows, in this order; one may be taken several times."""
        self._lengths_N = self._lengths_N.index_select(0, rows_M)
        self._longest = int(self._lengths_N.max())
        self._keys, self._values = ([x.index_select(0, rows_M) for x in kept] for kept in (self._keys, self._values))
        self._before = self._prompts.select(rows_M, self._before)
