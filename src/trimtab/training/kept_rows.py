"""Final hidden states of rows that nothing trained changes: read once, kept while they fit. Knows nothing about heads.

W hidden states of all rows, w of one row, D hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.kept import Budget, Kept
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState, Prompt
from trimtab.decoding.scoring import passes

# Indices of rows -> hidden states [w, D] of each.
States = Callable[[Sequence[int]], list[torch.Tensor]]


def states_read(row: Row) -> int:
    """Hidden states w that are read of a row: that where it is answered, or one a token that is read for itself."""
    return 1 if row.read_at is None else len(row.read_at)


def read_states(
    backbone: CausalBackbone,
    rows: Sequence[Row],
    prefix: PrefixState | Sequence[Prompt],
    *,
    checkpointing: bool = False,
) -> torch.Tensor:
    """Final hidden states [W, D] of rows in turn, float32: where each is answered, or of tokens read for themselves.

    Args:
        backbone: what reads them.
        rows: all answered, or all with tokens read for themselves.
        prefix, checkpointing: see `CausalBackbone.forward`.
    """
    lengths = prefix.lengths if isinstance(prefix, PrefixState) else [prompt.length for prompt in prefix]
    layout = backbone.pack(rows, max(lengths))
    wanted = layout.answers_B if rows[0].read_at is None else layout.read_at_W
    return backbone.forward(layout, prefix, wanted=wanted, checkpointing=checkpointing).float()


def kept_rows(
    backbone: CausalBackbone, rows: Sequence[Row], prefix: PrefixState, order: Sequence[int] | None, budget: Budget
) -> States:
    """What gives final hidden states [w, D] of rows, float32, without gradients, and keeps what fits.

    Args:
        backbone: what reads them.
        rows: the rows, all behind the first prompt.
        prefix: that prompt, read.
        order: indices of those to keep, in the order in which they will first be asked for; by default all.
        budget: memory to keep them in.
    """

    def read(members: Sequence[int]) -> Sequence[torch.Tensor]:
        own = [rows[i] for i in members]
        with torch.no_grad():
            return torch.split(read_states(backbone, own, prefix), [states_read(row) for row in own])

    size = backbone.hidden_size * torch.float32.itemsize
    kept: Kept[int] = Kept(budget)
    kept.expect(passes([len(row.ids) for row in rows], order), lambda i: states_read(rows[i]) * size)
    return lambda members: kept.states(members, read)
