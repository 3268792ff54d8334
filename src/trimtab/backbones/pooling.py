"""Hidden states that stand for whole rows: the mean over a row's tokens. Knows nothing about models.

B rows, R tokens of all rows, M wanted tokens, D hidden.
"""

from __future__ import annotations

import torch

from trimtab.backbones.layout import Layout


def pooled(hidden_RD: torch.Tensor, layout: Layout, wanted_M: torch.Tensor) -> torch.Tensor:
    """Hidden states [M, D], float32, of wanted tokens: the mean over the row of each (Reimers & Gurevych 2019).

    A token of a row whose tokens are read each for itself (`Row.read_at`) has its own.
    """
    row_M, own_RD = layout.row_R[wanted_M], hidden_RD.float()
    alone_B = torch.tensor([row.read_at is not None for row in layout.rows], device=hidden_RD.device)
    sums = torch.zeros(len(layout.rows), hidden_RD.shape[1], device=hidden_RD.device)
    lengths = torch.tensor([len(row.ids) for row in layout.rows], device=hidden_RD.device)
    means_MD = (sums.index_add(0, layout.row_R, own_RD) / lengths[:, None]).index_select(0, row_M)
    return torch.where(alone_B[row_M, None], own_RD.index_select(0, wanted_M), means_MD)
