"""Rows that are gone on with, token by token: what each has read is kept. Knows nothing about which token comes next.

Each prompt's keys and values are there once, whatever the number of rows behind it; rows of different prompts share
every matrix product. A row keeps its own keys and values only.

N rows, K prompts, m rows of the prompt with the most, P tokens of the longest prompt, T tokens of the longest row, H
query heads, J key/value heads, G = H / J, d head size, D hidden, S tokens of all prompts, R tokens of all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import torch

from trimtab.backbones import attention
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Layers, PrefixState

# Room for this many further tokens is made at a time.
ROOM = 32


class Decoding(Protocol):
    """Rows being gone on with.

    Attributes:
        hidden: final hidden states [N, D] of each row's last token, from which the next one is scored.
    """

    hidden: torch.Tensor

    def step(self, tokens_N: torch.Tensor) -> None:
        """Put one token behind each row. Raises TrimtabError where a row leaves the context."""
        ...

    def select(self, rows_M: torch.Tensor) -> None:
        """Go on with these rows, in this order; one may be taken several times."""
        ...


def begin(backbone: CausalBackbone, rows: Sequence[Row], prefix: PrefixState | None) -> Decoding:
    """Read rows, so that they can be gone on with.

    Args:
        backbone: a causal one, or an encoder-decoder, whose answers are decoded.
        rows: at least one, without answer trees; `Row.prompt` says which prompt each is read with.
        prefix: the prompts, read before; None where rows stand alone.

    Raises:
        TrimtabError: a row that is longer than the context.
    """
    keeps = type(backbone) is CausalBackbone
    return Kept(backbone, rows, prefix) if keeps else ReadAgain(backbone, rows, prefix)


class ReadAgain:
    """Rows of which nothing is kept: each step reads them whole. For backbones that do not run token by token."""

    hidden: torch.Tensor

    def __init__(self, backbone: CausalBackbone, rows: Sequence[Row], prefix: PrefixState | None) -> None:
        self._backbone, self._rows, self._prefix = backbone, list(rows), prefix
        self._read()

    def _read(self) -> None:
        backbone = self._backbone
        with torch.no_grad():
            layout = backbone.pack(self._rows, max(self._prefix.lengths, default=0) if self._prefix else 0)
            behind = torch.tensor([len(row.parents) for row in self._rows], device=backbone.device)
            self.hidden = backbone.forward(layout, self._prefix, wanted=layout.answers_B + behind)

    def step(self, tokens_N: torch.Tensor) -> None:
        """See Decoding."""
        grown = []
        for row, token in zip(self._rows, tokens_N.tolist(), strict=True):
            path = len(row.parents)
            parents = tuple(range(-1, path)) if self._backbone.encoder_decoder else ()
            grown.append(replace(row, ids=(*row.ids, token), parents=parents))
        self._rows = grown
        self._read()

    def select(self, rows_M: torch.Tensor) -> None:
        """See Decoding."""
        self._rows = [self._rows[i] for i in rows_M.tolist()]
        self.hidden = self.hidden.index_select(0, rows_M)


class Kept:
    """Rows of which keys and values are kept, layer by layer: a step computes one token a row."""

    hidden: torch.Tensor

    def __init__(self, backbone: CausalBackbone, rows: Sequence[Row], prefix: PrefixState | None) -> None:
        self._backbone = backbone
        self._keys: list[torch.Tensor] = []  # [N, J, room, d] a layer
        self._values: list[torch.Tensor] = []
        self._lengths_N = torch.tensor([len(row.ids) for row in rows], device=backbone.device)
        self._longest = max(len(row.ids) for row in rows)
        self._prompts = _Prompts(prefix, [row.prompt for row in rows], backbone.device)
        self._masks: dict[int | None, tuple[torch.Tensor | None, torch.Tensor]] = {}
        self._read(rows, prefix)

    def _read(self, rows: Sequence[Row], prefix: PrefixState | None) -> None:
        backbone, lengths = self._backbone, prefix.lengths if prefix else ()
        layout = backbone.pack(rows, max(lengths, default=0))
        places_NT = torch.zeros(len(rows), self._longest, dtype=torch.long, device=backbone.device)
        for place, start, row in zip(places_NT, layout.starts, rows, strict=True):
            place[: len(row.ids)] = torch.arange(start, start + len(row.ids), device=backbone.device)
        ends = layout.answers_B

        def attend(
            layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float, window: int | None
        ) -> torch.Tensor:
            for kept, own_RJd in ((self._keys, k), (self._values, v)):
                room = own_RJd.new_zeros(len(rows), own_RJd.shape[1], self._longest + ROOM, own_RJd.shape[2])
                room[:, :, : self._longest] = own_RJd[places_NT].transpose(1, 2)
                kept.append(room)
            before = prefix.layers[layer] if prefix and prefix.layers else None
            return attention.attend(
                q, k, v, layout, scale=scale, window=window, prefix=before, prefix_lengths=lengths if before else ()
            )

        x = backbone.embed_rows(layout, prefix.soft if prefix else ())
        self.hidden = backbone.attended(x, backbone.behind(layout, lengths), attend).index_select(0, ends)

    def step(self, tokens_N: torch.Tensor) -> None:
        """See Decoding."""
        self._longest += 1
        if self._longest > self._keys[0].shape[2]:
            more = ROOM + self._longest // 2
            self._keys, self._values = (
                [torch.nn.functional.pad(x, (0, 0, 0, more)) for x in kept] for kept in (self._keys, self._values)
            )
        self._masks = {}
        positions_N = self._lengths_N + self._prompts.lengths_N
        self.hidden = self._backbone.attended(self._backbone.embed(tokens_N), positions_N, self._attend)
        self._lengths_N = self._lengths_N + 1

    def _attend(
        self,
        layer: int,
        q_NHd: torch.Tensor,
        k_NJd: torch.Tensor,
        v_NJd: torch.Tensor,
        scale: float,
        window: int | None,
    ) -> torch.Tensor:
        """Each row's new token to its prompt and to all of its row: [N, H, d]."""
        N, H, d = q_NHd.shape
        J, T = k_NJd.shape[1], self._longest
        rows_N = torch.arange(N, device=q_NHd.device)
        keys, values = self._keys[layer], self._values[layer]
        keys[rows_N, :, self._lengths_N], values[rows_N, :, self._lengths_N] = k_NJd, v_NJd
        q_NJGd = q_NHd.reshape(N, J, H // J, d) * scale
        hidden_prompt, hidden_row = self._hidden(window)
        own = torch.matmul(q_NJGd, keys[:, :, :T].transpose(2, 3)).masked_fill(hidden_row, float("-inf"))
        if not self._prompts.longest:
            return torch.matmul(_softmax(own, q_NHd.dtype), values[:, :, :T]).view(N, H, d)
        before = self._prompts.scores(layer, q_NJGd)
        if hidden_prompt is not None:
            before = before.masked_fill(hidden_prompt, float("-inf"))
        shares = _softmax(torch.cat([before, own], -1), q_NHd.dtype)
        P = self._prompts.longest
        out = torch.matmul(shares[..., P:], values[:, :, :T]) + self._prompts.weighted(layer, shares[..., :P])
        return out.view(N, H, d)

    def _hidden(self, window: int | None) -> tuple[torch.Tensor | None, torch.Tensor]:
        """What a row's new token must not see, of its prompt [N, 1, 1, P] and of its row [N, 1, 1, T]."""
        if window not in self._masks:
            slots_T = torch.arange(self._longest, device=self._lengths_N.device)
            row = slots_T > self._lengths_N[:, None]
            if window is not None:
                row = row | (self._lengths_N[:, None] - slots_T >= window)
            prompt = self._prompts.hidden(self._lengths_N, window)
            self._masks[window] = prompt if prompt is None else prompt[:, None, None], row[:, None, None]
        return self._masks[window]

    def select(self, rows_M: torch.Tensor) -> None:
        """See Decoding."""
        self._lengths_N = self._lengths_N.index_select(0, rows_M)
        self._longest = int(self._lengths_N.max())
        self._keys, self._values = ([x.index_select(0, rows_M) for x in kept] for kept in (self._keys, self._values))
        self._prompts.select(rows_M)
        self.hidden = self.hidden.index_select(0, rows_M)


class _Prompts:
    """Keys and values of the prompts that rows are read with, one copy of each, padded; and which rows are whose."""

    def __init__(self, prefix: PrefixState | None, prompt_of_row: Sequence[int], device: torch.device) -> None:
        own = sorted(set(prompt_of_row))
        lengths = [prefix.lengths[k] if prefix else 0 for k in own]
        self.longest = max(lengths)
        self._lengths_K = torch.tensor(lengths, device=device)
        self._layers = _padded(prefix, own, self.longest) if prefix and self.longest else ()
        self._place([own.index(k) for k in prompt_of_row])

    def _place(self, prompt_of_row: list[int]) -> None:
        """Give each row its place among those of its prompt."""
        device, self._prompt_of_row = self._lengths_K.device, prompt_of_row
        self.lengths_N = self._lengths_K[torch.tensor(prompt_of_row, device=device)]
        counts = [0] * len(self._lengths_K)
        at = []
        for k in prompt_of_row:
            at.append(counts[k])
            counts[k] += 1
        self._most = max(counts)
        places = [k * self._most + j for k, j in zip(prompt_of_row, at, strict=True)]
        filled = places == list(range(len(counts) * self._most))
        self._place_N = None if filled else torch.tensor(places, device=device)

    def select(self, rows_M: torch.Tensor) -> None:
        """Go on with these rows."""
        self._place([self._prompt_of_row[i] for i in rows_M.tolist()])

    def hidden(self, lengths_N: torch.Tensor, window: int | None) -> torch.Tensor | None:
        """True where a row's new token does not see a slot of its prompt [N, P]; None where it sees all."""
        if window is None and bool((self._lengths_K == self.longest).all()):
            return None
        slots_P = torch.arange(self.longest, device=lengths_N.device)
        out = slots_P >= self.lengths_N[:, None]
        if window is not None:
            out = out | ((self.lengths_N + lengths_N)[:, None] - slots_P >= window)
        return out

    def scores(self, layer: int, q_NJGd: torch.Tensor) -> torch.Tensor:
        """Products of rows' queries with their prompt's keys: [N, J, G, P]."""
        keys_KJPd = self._layers[layer][0]
        return self._by_row(torch.matmul(self._by_prompt(q_NJGd), keys_KJPd.transpose(2, 3)), q_NJGd)

    def weighted(self, layer: int, shares_NJGP: torch.Tensor) -> torch.Tensor:
        """Sums of their prompt's values: [N, J, G, d]."""
        return self._by_row(torch.matmul(self._by_prompt(shares_NJGP), self._layers[layer][1]), shares_NJGP)

    def _by_prompt(self, x_NJGe: torch.Tensor) -> torch.Tensor:
        """[N, J, G, e] -> [K, J, m G, e]."""
        _, J, G, e = x_NJGe.shape
        K, m = len(self._lengths_K), self._most
        if self._place_N is not None:
            x_NJGe = x_NJGe.new_zeros(K * m, J, G, e).index_copy_(0, self._place_N, x_NJGe)
        return x_NJGe.view(K, m, J, G, e).transpose(1, 2).reshape(K, J, m * G, e)

    def _by_row(self, x: torch.Tensor, like_NJG: torch.Tensor) -> torch.Tensor:
        """[K, J, m G, e] -> [N, J, G, e]."""
        _, J, G, _ = like_NJG.shape
        K, m = len(self._lengths_K), self._most
        x = x.view(K, J, m, G, -1).transpose(1, 2).reshape(K * m, J, G, -1)
        return x if self._place_N is None else x.index_select(0, self._place_N)


def _padded(prefix: PrefixState, own: Sequence[int], longest: int) -> Layers:
    """Keys and values [K, J, P, d] a layer of some prompts, zeros behind the shorter ones."""
    starts = [sum(prefix.lengths[:k]) for k in own]
    lengths = [prefix.lengths[k] for k in own]

    def pad(packed_SJd: torch.Tensor) -> torch.Tensor:
        if len(own) == 1:
            return packed_SJd[starts[0] : starts[0] + longest].transpose(0, 1)[None]
        out = packed_SJd.new_zeros(len(own), packed_SJd.shape[1], longest, packed_SJd.shape[2])
        for room, start, length in zip(out, starts, lengths, strict=True):
            room[:, :length] = packed_SJd[start : start + length].transpose(0, 1)
        return out

    return tuple((pad(k), pad(v)) for k, v in prefix.layers)


def _softmax(scores: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return torch.softmax(scores, -1, dtype=torch.float32).to(dtype)
