"""Attention over one shared copy of each prompt and over the rows themselves. Knows nothing about model families.

Softmax runs jointly over [prompt, row]; scores are recomputed in the backward pass (as in FlashAttention, Dao et al.
2022), so that memory grows with tokens, not with tokens squared. Plain batched matrix products throughout: on a CPU
they beat the fused attention kernels, whose backward is slow there.

n rows of a block, T tokens a row, P prompt length, S tokens of all prompts, R tokens of all rows, H query heads, J
key/value heads, G = H / J, d head size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from trimtab.backbones.layout import Block, Layout


def attend(
    q_RHd: torch.Tensor,
    k_RJd: torch.Tensor,
    v_RJd: torch.Tensor,
    layout: Layout,
    *,
    scale: float,
    window: int | None = None,
    prefix: tuple[torch.Tensor, torch.Tensor] | None = None,
    prefix_lengths: Sequence[int] = (),
) -> torch.Tensor:
    """Attend each row to its prompt and to itself; gradients flow to rows and prompts alike.

    Args:
        q_RHd, k_RJd, v_RJd: queries, keys and values of the packed rows, positions already applied.
        layout: how the rows are packed.
        scale: factor of the scores.
        window: sliding window in tokens, or None for full attention.
        prefix: keys and values [S, J, d] of all prompts, packed; None where rows have no prompt.
        prefix_lengths: length of each prompt in tokens.

    Returns:
        [R, H, d].
    """
    kp, vp = prefix if prefix is not None else (None, None)
    how = How(layout, scale, window, tuple(prefix_lengths))
    return _Attention.apply(q_RHd, k_RJd, v_RJd, kp, vp, how)  # type: ignore[no-any-return, no-untyped-call]


@dataclass(frozen=True)
class How:
    """What does not change from call to call: see `attend`."""

    layout: Layout
    scale: float
    window: int | None
    prefix_lengths: tuple[int, ...] = ()


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
        part = _Part(block, q, k, v, kp, vp, how)
        part.write(out, part.attend(part.probabilities()))
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
        _Part(block, q, k, v, kp, vp, how).backward(grad, into, dkp, dvp)
    if dkp is not None and dvp is not None:
        dkp, dvp = dkp.to(q.dtype), dvp.to(q.dtype)
    return (*into, dkp, dvp)


class _Part:
    """One block's queries, keys and values, head first, and the arithmetic on them."""

    def __init__(
        self,
        block: Block,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        kp: torch.Tensor | None,
        vp: torch.Tensor | None,
        how: How,
    ) -> None:
        self.block, self.scale, self.window = block, how.scale, how.window
        self.J, self.d = k.shape[1], k.shape[2]
        self.G = q.shape[1] // self.J
        self.n, self.T = block.rows, block.length
        self.q = self._pad(q)  # [J, n*T*G, d]
        self.k = self._pad(k)  # [J, n*T, d]
        self.v = self._pad(v)
        self.P = 0
        self.span = slice(0, 0)
        if kp is not None and vp is not None:
            first = sum(how.prefix_lengths[: block.prompt])
            self.span = slice(first, first + how.prefix_lengths[block.prompt])
            self.kp = kp[self.span].transpose(0, 1)  # [J, P, d]
            self.vp = vp[self.span].transpose(0, 1)
            self.P = self.kp.shape[1]

    def _pad(self, x_RHd: torch.Tensor) -> torch.Tensor:
        """Packed [R, J*g, d] -> padded [J, n*T*g, d]."""
        block = self.block
        x = x_RHd[block.start : block.stop]
        if block.gather_nT is not None:
            x = x.index_select(0, block.gather_nT)
        g = x.shape[1] // self.J
        return x.reshape(self.n * self.T, self.J, g, self.d).transpose(0, 1).contiguous().view(self.J, -1, self.d)

    def write(self, out_RHd: torch.Tensor, x: torch.Tensor) -> None:
        """Write padded [J, n*T*g, d] to its packed place."""
        block = self.block
        x = x.view(self.J, self.n * self.T, -1, self.d).transpose(0, 1)
        if block.valid is not None:
            x = x.index_select(0, block.valid)
        out_RHd[block.start : block.stop].view(x.shape).copy_(x)

    def _rows(self, x: torch.Tensor) -> torch.Tensor:
        """[J, n*a, b] -> [J*n, a, b]."""
        return x.view(self.J * self.n, -1, x.shape[-1])

    def probabilities(self) -> torch.Tensor:
        """Joint softmax over prompt and row: [J, n*T*G, P + T]."""
        hidden_prefix, hidden_local = self.block.hidden_from(self.P, self.window)
        local = torch.bmm(self._rows(self.q), self._rows(self.k).transpose(1, 2))
        if hidden_local is not None:
            self._hide(local, hidden_local, self.T)
        scores = local.view(self.J, -1, self.T)
        if self.P:
            prefix = torch.bmm(self.q, self.kp.transpose(1, 2))
            if hidden_prefix is not None:
                self._hide(prefix, hidden_prefix, self.P)
            scores = torch.cat([prefix, scores], -1)
        scores.mul_(self.scale)
        return torch.softmax(scores, -1, dtype=torch.float32).to(self.q.dtype)

    def _hide(self, scores: torch.Tensor, hidden: torch.Tensor, keys: int) -> None:
        view = scores.view(self.J, self.n, self.T, self.G, keys)
        view.masked_fill_(hidden[None, :, :, None, :], float("-inf"))

    def attend(self, p: torch.Tensor) -> torch.Tensor:
        """Weighted values: [J, n*T*G, d]."""
        local = torch.bmm(self._rows(p[..., self.P :].contiguous() if self.P else p), self._rows(self.v))
        out = local.view(self.J, -1, self.d)
        return torch.baddbmm(out, p[..., : self.P], self.vp) if self.P else out

    def backward(
        self,
        grad: torch.Tensor,
        into: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        dkp: torch.Tensor | None,
        dvp: torch.Tensor | None,
    ) -> None:
        """Write the gradients of q, k, v; add those of the prompt."""
        dout = self._pad(grad)
        if self.block.valid is not None:  # slots that hold no token repeat one that does: their gradient is not ours
            mask = dout.new_zeros(self.n * self.T).index_fill_(0, self.block.valid, 1.0)
            dout.view(self.J, self.n * self.T, self.G, self.d).mul_(mask[:, None, None])
        p = self.probabilities()
        dlocal = torch.bmm(self._rows(dout), self._rows(self.v).transpose(1, 2)).view(self.J, -1, self.T)
        dp = torch.cat([torch.bmm(dout, self.vp.transpose(1, 2)), dlocal], -1) if self.P else dlocal
        ds = torch._softmax_backward_data(dp, p, -1, p.dtype).mul_(self.scale)
        ds_local = self._rows(ds[..., self.P :].contiguous() if self.P else ds)
        p_local = self._rows(p[..., self.P :].contiguous() if self.P else p)
        dq = torch.bmm(ds_local, self._rows(self.k)).view(self.J, -1, self.d)
        if self.P:
            dq = torch.baddbmm(dq, ds[..., : self.P], self.kp)
            if dkp is not None and dvp is not None:
                dkp[self.span] += torch.bmm(ds[..., : self.P].transpose(1, 2), self.q).transpose(0, 1)
                dvp[self.span] += torch.bmm(p[..., : self.P].transpose(1, 2), dout).transpose(0, 1)
        self.write(into[0], dq)
        self.write(into[1], torch.bmm(ds_local.transpose(1, 2), self._rows(self.q)).view(self.J, -1, self.d))
        self.write(into[2], torch.bmm(p_local.transpose(1, 2), self._rows(dout)).view(self.J, -1, self.d))
