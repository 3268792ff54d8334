"""Demonstrations chosen for each row: the nearest by the backbone's own hidden states. Knows nothing about labels.

N rows, M examples to choose from, k shown to each row, D hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch.nn import functional as F

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Row
from trimtab.decoding.scoring import passes
from trimtab.errors import TrimtabError
from trimtab.prompts import Demonstrations, DialogueEncoder, EncodedRow, Encoder

# Cosines are compared to this many digits: equal texts are equally near, whatever rows they were read with.
DIGITS = 4


@dataclass(frozen=True)
class Nearest:
    """Puts before each row the examples nearest to it, the nearest last (Liu et al. 2022, section 3).

    Examples are read when first needed, and once.

    Attributes:
        backbone: whose hidden states are compared.
        leading: token ids that come first in every text.
        encoder: of rows without demonstrations.
        pool: what is chosen from.
        count: k.
    """

    backbone: Backbone
    leading: tuple[int, ...]
    encoder: Encoder | DialogueEncoder
    pool: Demonstrations
    count: int

    def encode(self, rows: Sequence[tuple[Mapping[str, str], str]], taken: Sequence[int] = ()) -> list[EncodedRow]:
        """Rows, each (fields, where), behind their demonstrations and the template's head.

        Args:
            rows: the rows.
            taken: tokens of the budget that are not left for each row and what is shown before it.

        Raises:
            TrimtabError: a row that does not fit even without demonstrations.
        """
        taken = taken or [0] * len(rows)
        plain = [self.encoder.encode(*row, own).ids for row, own in zip(rows, taken, strict=True)]
        chosen = self._choose(plain) if plain else []
        shown = [[self.pool.rows[i] for i in own] for own in chosen]
        return [self._behind(*row, *own) for row, own in zip(rows, zip(shown, taken, strict=True), strict=True)]

    def _choose(self, rows: Sequence[tuple[int, ...]]) -> list[list[int]]:
        """Indices of the k nearest examples of each row, the nearest last."""
        near_NM = self._embed(rows) @ self._pool_MD.T
        order_NM = torch.sort(near_NM.mul(10**DIGITS).round(), dim=-1, descending=True, stable=True).indices
        return [list(reversed(own)) for own in order_NM[:, : self.count].tolist()]

    @cached_property
    def _pool_MD(self) -> torch.Tensor:
        return self._embed([self.encoder.encode(e.fields, e.where).ids for e in self.pool.examples])

    def _embed(self, rows: Sequence[tuple[int, ...]]) -> torch.Tensor:
        """Mean of the final hidden states over each row's tokens, scaled to length 1: [N, D] float32."""
        with torch.no_grad():
            state = self.backbone.read_prefix([self.backbone.embed_with(self.leading, None)])
            means = torch.zeros(len(rows), self.backbone.hidden_size, device=self.backbone.device)
            for members in passes([len(ids) for ids in rows]):
                layout = self.backbone.pack([Row(rows[i]) for i in members], len(self.leading))
                every = torch.arange(len(layout), device=self.backbone.device)
                hidden = self.backbone.forward(layout, state, wanted=every).float()
                for i, start in zip(members, layout.starts, strict=True):
                    means[i] = hidden[start : start + len(rows[i])].mean(0)
        return F.normalize(means, dim=-1)

    def _behind(self, fields: Mapping[str, str], where: str, shown: list[tuple[int, ...]], taken: int) -> EncodedRow:
        """The row behind as many demonstrations as leave room for it, the farthest left out first."""
        while True:
            before = [i for ids in shown for i in ids]
            try:
                row = self.encoder.encode(fields, where, taken=taken + len(before))
            except TrimtabError:
                if not shown:
                    raise
                shown = shown[1:]
                continue
            return EncodedRow((*before, *self.encoder.head_ids, *row.ids), row.cut, len(before))
