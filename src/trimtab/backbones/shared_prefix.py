"""Prompts and the packed rows behind them, each prompt read once. Knows nothing about models or what layers compute.

`read_prefix` + `forward` serve prompts read before; `forward` with prompts reads them in the same pass (training: one
set of matrix products for prompts and rows).

R tokens of all rows, N tokens of a pass, K prompts, S tokens of all prompts, P prompt length, M wanted tokens, D
hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from trimtab.backbones.attention import joint
from trimtab.backbones.attention.packed import PackedPass
from trimtab.backbones.layout import Layout, Row
from trimtab.backbones.prefix import KVCache, PrefixState, Prompt, as_prompts, packed_pasts


class Reader(Protocol):
    """What reads packed tokens: a backbone's own embeddings and layers."""

    @property
    def device(self) -> torch.device: ...  # noqa: D102

    @property
    def dtype(self) -> torch.dtype: ...  # noqa: D102

    def pack(self, rows: Sequence[Row], prefix_length: int = 0) -> Layout:
        """See Backbone."""
        ...

    def check_length(self, tokens: int) -> None:
        """Raise BackboneError where a row of this many tokens, prompt included, does not fit."""
        ...

    def embed_rows(self, layout: Layout, soft: Sequence[torch.Tensor | None]) -> torch.Tensor:
        """What the layers are given of packed rows [R, D]; `soft` has each prompt's vectors for negative ids."""
        ...

    def moved_by(self, lengths: Sequence[int], shifts: Sequence[int]) -> Sequence[int]:
        """Positions that rows have before them, by prompt, of prompts of these lengths and shifts."""
        ...

    def run(
        self, x_ND: torch.Tensor, now: PackedPass, positions_N: torch.Tensor, *, keep: torch.Tensor | None,
        first_grad: int,
    ) -> torch.Tensor:  # fmt: skip
        """Final hidden states of packed tokens, prompts first.

        Args:
            x_ND: what the layers are given.
            now: the pass, as its attention needs to know it.
            positions_N: position of each token.
            keep: packed tokens that are wanted, or None for all.
            first_grad: leading tokens whose input gradient is wanted; the others are frozen embeddings.
        """
        ...


def read_prefix(reader: Reader, prompts: Sequence[Prompt | torch.Tensor]) -> PrefixState:
    """Read K prompts; see Backbone."""
    given = as_prompts(prompts)
    past, order, lengths = _past(reader, given)
    soft, shifts = tuple(prompt.soft for prompt in given), tuple(prompt.shift for prompt in given)
    total = tuple(prompt.length for prompt in given)
    if not sum(lengths):
        return PrefixState(past or (), total, soft, shifts)
    capture: list[tuple[torch.Tensor, torch.Tensor]] = []
    layout = _prompt_layout(reader, lengths)
    x = torch.cat([prompt.embeddings.to(reader.dtype) for prompt in given])
    positions = behind(layout, order.lengths if order else ())
    now = PackedPass(layout, None, total, past, capture, order)
    reader.run(x, now, positions, keep=None, first_grad=len(x))
    if order is None or past is None:
        return PrefixState(tuple(capture), total, soft, shifts)
    joined = tuple((order.join(pk, k), order.join(pv, v)) for (pk, pv), (k, v) in zip(past, capture, strict=True))
    return PrefixState(joined, total, soft, shifts)


def forward(
    reader: Reader,
    rows: Layout | Sequence[Row],
    prefix: PrefixState | Sequence[Prompt | torch.Tensor] | None,
    *,
    wanted: torch.Tensor | None,
    checkpointing: bool,
) -> torch.Tensor:
    """Final hidden states [M, D] of rows behind their prompts; see Backbone."""
    given: list[Prompt] = []
    own: tuple[int, ...] = ()
    if isinstance(prefix, PrefixState):
        state, order = prefix.layers or None, None
        lengths, soft, shifts = prefix.lengths, prefix.soft, prefix.shifts
    else:
        given = as_prompts(prefix or ())
        state, order, own = _past(reader, given)
        lengths, soft = tuple(prompt.length for prompt in given), tuple(prompt.soft for prompt in given)
        shifts = tuple(prompt.shift for prompt in given)
    layout = rows if isinstance(rows, Layout) else reader.pack(rows, max(lengths, default=0))
    positions = behind(layout, reader.moved_by(lengths, shifts))
    reader.check_length(int(positions.max()) + 1)
    x = reader.embed_rows(layout, soft)
    wanted = layout.answers_B if wanted is None else wanted
    prompt_layout = None
    if sum(own):
        prompt_layout = _prompt_layout(reader, own)
        x = torch.cat([*(prompt.embeddings.to(x.dtype) for prompt in given), x])
        positions = torch.cat([behind(prompt_layout, order.lengths if order else ()), positions])
    S = len(x) - len(layout)
    now = PackedPass(prompt_layout, layout, lengths, state, None, order, checkpointing)
    return reader.run(x, now, positions, keep=wanted + S, first_grad=len(x) if layout.soft else S)


def behind(layout: Layout, lengths: Sequence[int]) -> torch.Tensor:
    """Positions [R] of packed tokens that have `lengths` positions before them, by prompt."""
    if not lengths:
        return layout.positions_R
    return layout.positions_R + torch.tensor(list(lengths), device=layout.ids_R.device)[layout.prompt_R]


def _past(reader: Reader, prompts: Sequence[Prompt]) -> tuple[KVCache | None, joint.Past | None, tuple[int, ...]]:
    """Keys and values that stand before the prompts, packed; their order; and the prompts' own lengths."""
    own = tuple(int(prompt.embeddings.shape[0]) for prompt in prompts)
    packed = packed_pasts(prompts, reader.dtype)
    if packed is None:
        return None, None, own
    return packed, joint.Past.of([prompt.past_length for prompt in prompts], own, reader.device), own


def _prompt_layout(reader: Reader, lengths: tuple[int, ...]) -> Layout:
    rows = [Row([0] * length, prompt=index) for index, length in enumerate(lengths) if length]
    layout = reader.pack(rows)
    assert layout.starts == tuple(sorted(layout.starts)), "prompts stay in order"
    return layout
