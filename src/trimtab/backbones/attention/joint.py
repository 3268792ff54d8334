"""Attention over one shared copy of each prompt and over the rows themselves. Knows nothing about model families.

Softmax runs jointly over [prompt, row]; scores are recomputed in the backward pass (as in FlashAttention, Dao et al.
2022), so that memory grows with tokens, not with tokens squared.

S tokens of all prompts, R tokens of all rows, H query heads, J key/value heads, d head size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from trimtab.backbones.attention.block import How, Slots, block_of
from trimtab.backbones.attention.scoring import Scoring
from trimtab.backbones.layout import Layout


def attend(
    q_RHd: torch.Tensor,
    k_RJd: torch.Tensor,
    v_RJd: torch.Tensor,
    layout: Layout,
    scoring: Scoring,
    *,
    prefix: tuple[torch.Tensor, torch.Tensor] | None = None,
    prefix_lengths: Sequence[int] = (),
) -> torch.Tensor:
    """Attend each row to its prompt and to itself; gradients flow to rows and prompts alike.

    Args:
        q_RHd, k_RJd, v_RJd: queries, keys and values of the packed rows, positions already applied.
        layout: how the rows are packed.
        scoring: how scores and shares are made.
        prefix: keys and values [S, J, d] of all prompts, packed; None where rows have no prompt.
        prefix_lengths: length of each prompt in tokens.

    Returns:
        [R, H, d].
    """
    kp, vp = prefix if prefix is not None else (None, None)
    how = How(layout, scoring, tuple(prefix_lengths))
    return _Attention.apply(q_RHd, k_RJd, v_RJd, kp, vp, how)  # type: ignore[no-any-return, no-untyped-call]


@dataclass(frozen=True)
class Past:
    """How keys and values that were there before stand in front of those of the prompts read on top of them.

    Attributes:
        lengths: tokens of the past of each prompt, in packed order.
        order: for each token of [past, own] prompt by prompt, its place in [all pasts, all prompts].
        tokens: tokens of all pasts.
    """

    lengths: tuple[int, ...]
    order: torch.Tensor
    tokens: int

    @staticmethod
    def of(past_lengths: Sequence[int], own_lengths: Sequence[int], device: torch.device) -> Past:
        """Work out the order of prompts of `own_lengths` on pasts of `past_lengths` tokens."""
        tokens, at, own_at = sum(past_lengths), 0, sum(past_lengths)
        order: list[int] = []
        for past, own in zip(past_lengths, own_lengths, strict=True):
            order += [*range(at, at + past), *range(own_at, own_at + own)]
            at, own_at = at + past, own_at + own
        return Past(tuple(past_lengths), torch.tensor(order, dtype=torch.long, device=device), tokens)

    def join(self, past: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        """[tokens of pasts, ...] and [tokens of prompts, ...] -> both, prompt by prompt."""
        return torch.cat([past, own]).index_select(0, self.order)

    def part(self, joined: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The inverse of `join`."""
        both = torch.empty_like(joined).index_copy_(0, self.order, joined)
        return both[: self.tokens], both[self.tokens :]


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q, k, v, kp, vp, how):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(q, k, v, kp, vp)
        ctx.how = how
        return forward(q, k, v, kp, vp, how)

    @staticmethod
    def backward(ctx: Any, grad):  # type: ignore[no-untyped-def]
        want_prefix = ctx.needs_input_grad[3] or ctx.needs_input_grad[4]
        q, k, v, kp, vp = ctx.saved_tensors
        return (*backward(grad, q, k, v, kp, vp, ctx.how, want_prefix=want_prefix), None)


def forward(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    kp: torch.Tensor | None,
    vp: torch.Tensor | None,
    how: How,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """`attend` without autograd, for callers that write their own backward pass: the result, in `out` where given."""
    out = torch.empty_like(q) if out is None else out
    for block in how.layout.blocks:
        block_of(Slots(block, q, k, v, kp, vp, how)).forward(out)
    return out


def backward(
    grad: torch.Tensor,
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    kp: torch.Tensor | None,
    vp: torch.Tensor | None,
    how: How,
    *,
    want_prefix: bool,
    into: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """Gradients of `forward` with respect to q, k, v, kp and vp.

    Args:
        grad: gradient of the result [R, H, d].
        want_prefix: whether the gradients of kp and vp are wanted.
        into: tensors to write the gradients of q, k and v to.
    """
    into = into or (torch.empty_like(q), torch.empty_like(k), torch.empty_like(v))
    dkp = dvp = None
    if want_prefix and kp is not None and vp is not None:  # summed over blocks of rows in float32
        dkp, dvp = (torch.zeros_like(x, dtype=torch.float32) for x in (kp, vp))
    for block in how.layout.blocks:
        block_of(Slots(block, q, k, v, kp, vp, how)).backward(grad, into, dkp, dvp)
    if dkp is not None and dvp is not None:
        dkp, dvp = dkp.to(q.dtype), dvp.to(q.dtype)
    return (*into, dkp, dvp)
