"""Final hidden states of rows that nothing trained changes: read once, kept while they fit. Knows nothing about heads.

W hidden states of all rows, w of one row, D hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.hidden_state_cache import Budget, HiddenStateCache
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState, Prompt
from trimtab.decoding.scoring import passes

# Indices of rows -> hidden states [w, D] of each.
States = Callable[[Sequence[int]], list[torch.Tensor]]


def states_read(row: Row) -> int:
    """Hidden states w that are read of a row: that where it is answered, or one a token that is read for itself."""
    return 1 if row.read_at is None else len(row.read_at)


def read_states(
    backbone: Backbone,
    rows: Sequence[Row],
    prefix: PrefixState | Sequence[Prompt],
    *,
    checkpointing: bool = False,
) -> torch.Tensor:
    """Final hidden states [W, D] of rows in turn, float32: where each is answered, or of tokens read for themselves.

    Args:
        backbone: what reads them.
        rows: all answered, or all with tokens read for themselves.
        prefix, checkpointing: see `Backbone.forward`.
    """
    lengths = prefix.lengths if isinstance(prefix, PrefixState) else [prompt.length for prompt in prefix]
    layout = backbone.pack(rows, max(lengths))
    wanted = layout.answers_B if rows[0].read_at is None else layout.read_at_W
    return backbone.forward(layout, prefix, wanted=wanted, checkpointing=checkpointing).float()


def kept_rows(
    backbone: Backbone, rows: Sequence[Row], prefix: PrefixState, order: Sequence[int] | None, budget: Budget
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
    kept: HiddenStateCache[int] = HiddenStateCache(budget)
    kept.expect(passes([len(row.ids) for row in rows], order), lambda i: states_read(rows[i]) * size)
    return lambda members: kept.states(members, read)


@dataclass(frozen=True)
class KeptStates:
    """Hidden states of train and of dev that a head reads; dev's, which every evaluation reads, are kept first.

    Attributes:
        backbone: what reads them.
        prompt: what stands before every row.
        train_rows, dev_rows: the rows.
        order: indices of train in the order in which they are first trained on.
        bytes: memory to keep them in.
    """

    backbone: Backbone
    prompt: Prompt
    train_rows: Sequence[Row]
    dev_rows: Sequence[Row]
    order: Sequence[int]
    bytes: int

    @property
    def train(self) -> States:
        """Of rows of train."""
        return self._both[0]

    @property
    def dev(self) -> States:
        """Of rows of dev."""
        return self._both[1]

    @cached_property
    def _both(self) -> tuple[States, States]:
        with torch.no_grad():
            state = self.backbone.read_prefix([self.prompt])
        budget = Budget(self.bytes)
        of_dev = kept_rows(self.backbone, self.dev_rows, state, None, budget)
        return kept_rows(self.backbone, self.train_rows, state, self.order, budget), of_dev
