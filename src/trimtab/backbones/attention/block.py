"""The arithmetic of attention in one block of rows. Knows nothing about autograd or what a prompt is for.

Plain batched matrix products throughout: on a CPU they beat the fused attention kernels, whose backward is slow there.
Short rows are worked out whole. Long rows are worked out a span of queries at a time, over the keys that the span can
see: half of a causal square is never computed, and the scores of a span stay in the processor's cache.

n rows of a block, T tokens a row, P prompt length, S tokens of all prompts, R tokens of all rows, H query heads, J
key/value heads, G = H / J, d head size, C tokens of a span.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from trimtab.backbones.attention.scoring import Scoring
from trimtab.backbones.layout import Block, Layout

# Fewest queries of a span; rows of two spans and more are cut, into eight where that makes them no longer than twice
# this. On a CPU, at 9 heads of 64, rows of 512 tokens take half the time of whole ones, rows of 64 three quarters; an
# accelerator wants fewer, larger products.
SPAN = 32
SPAN_ACCELERATOR = 512


@dataclass(frozen=True)
class How:
    """What does not change from call to call: see `attend`."""

    layout: Layout
    scoring: Scoring
    prefix_lengths: tuple[int, ...] = ()


def block_of(slots: Slots) -> _Whole | _Spans:
    """The arithmetic for one block: whole, or in spans where its rows are long."""
    least = SPAN if slots.q.device.type == "cpu" else SPAN_ACCELERATOR
    if slots.block.length < 2 * least:
        return _Whole(slots)
    return _Spans(slots, max(least, min(slots.block.length // 8, 2 * least)))


class Slots:
    """One block's queries, keys and values, head first, padded to the longest row.

    Taken out of packed q [R, H, d], k, v [R, J, d] and prompts kp, vp [S, J, d], None where rows have no prompt.
    """

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
        self.block, self.scoring, self.window = block, how.scoring, how.scoring.window
        self.J, self.d = k.shape[1], k.shape[2]
        self.G = q.shape[1] // self.J
        self.n, self.T = block.rows, block.length
        self.q = self.pad(q)  # [J, n*T*G, d]
        self.k = self.pad(k)  # [J, n*T, d]
        self.v = self.pad(v)
        self.P = 0
        self.span = slice(0, 0)
        if kp is not None and vp is not None:
            first = sum(how.prefix_lengths[: block.prompt])
            self.span = slice(first, first + how.prefix_lengths[block.prompt])
            self.kp = kp[self.span].transpose(0, 1)  # [J, P, d]
            self.vp = vp[self.span].transpose(0, 1)
            self.P = self.kp.shape[1]

    def pad(self, x_RHd: torch.Tensor) -> torch.Tensor:
        """Packed [R, J*g, d] -> padded [J, n*T*g, d]."""
        block = self.block
        x = x_RHd[block.start : block.stop]
        if block.gather_nT is not None:
            x = x.index_select(0, block.gather_nT)
        g = x.shape[1] // self.J
        return x.reshape(self.n * self.T, self.J, g, self.d).transpose(0, 1).contiguous().view(self.J, -1, self.d)

    def pad_gradient(self, grad_RHd: torch.Tensor) -> torch.Tensor:
        """`pad`, with zeros in slots that hold no token: they repeat one that does, and their gradient is not ours."""
        grad = self.pad(grad_RHd)
        if self.block.valid is not None:
            mask = grad.new_zeros(self.n * self.T).index_fill_(0, self.block.valid, 1.0)
            grad.view(self.J, self.n * self.T, self.G, self.d).mul_(mask[:, None, None])
        return grad

    def write(self, out_RHd: torch.Tensor, x: torch.Tensor) -> None:
        """Write padded [J, n*T*g, d] to its packed place."""
        block = self.block
        x = x.reshape(self.J, self.n * self.T, -1, self.d).transpose(0, 1)
        if block.valid is not None:
            x = x.index_select(0, block.valid)
        out_RHd[block.start : block.stop].view(x.shape).copy_(x)

    def by_head(self, scores: torch.Tensor) -> torch.Tensor:
        """Scores [J*n*C*G, keys] in any shape -> [J, n, C, G, keys]."""
        return scores.view(self.J, self.n, -1, self.G, scores.shape[-1])

    def shares(self, scores: torch.Tensor) -> torch.Tensor:
        """Shares of values for scores [J*n*C*G, keys] in any shape, in that shape."""
        if self.scoring.sinks_H is None:
            return self.scoring.shares(scores, self.q.dtype)
        by_head = self.by_head(scores).movedim(0, 2)  # [n, C, J, G, keys]
        return self.scoring.shares(by_head, self.q.dtype).movedim(2, 0).reshape(scores.shape)

    def rows(self, x: torch.Tensor) -> torch.Tensor:
        """[J, n*a, b] -> [J*n, a, b]."""
        return x.view(self.J * self.n, -1, x.shape[-1])

    def hide(self, scores: torch.Tensor, hidden: torch.Tensor) -> None:
        """Put -inf where `hidden` [n or 1, C, keys] says so; `scores` are [J*n*C*G, keys] in any shape."""
        view = self.by_head(scores)
        view[..., scores.shape[-1] - hidden.shape[-1] :].masked_fill_(hidden[None, :, :, None, :], float("-inf"))


class _Whole:
    """A block of short rows: the scores of prompt and rows at once."""

    def __init__(self, own: Slots) -> None:
        self.own = own

    def forward(self, out: torch.Tensor) -> None:
        """Write the weighted values to their packed places in `out` [R, H, d]."""
        own, (p, _) = self.own, self._probabilities()
        local = torch.bmm(own.rows(p[..., own.P :].contiguous() if own.P else p), own.rows(own.v))
        result = local.view(own.J, -1, own.d)
        own.write(out, torch.baddbmm(result, p[..., : own.P], own.vp) if own.P else result)

    def _probabilities(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Joint softmax over prompt and row: [J, n*T*G, P + T], and the scores that it is of."""
        own = self.own
        hidden_prefix, hidden_local = own.block.hidden_from(own.P, own.window)
        local = own.scoring.scores(torch.bmm(own.rows(own.q), own.rows(own.k).transpose(1, 2)))
        if hidden_local is not None:
            own.hide(local, hidden_local)
        scores = local.view(own.J, -1, own.T)
        if own.P:
            prefix = own.scoring.scores(torch.bmm(own.q, own.kp.transpose(1, 2)))
            if hidden_prefix is not None:
                own.hide(prefix, hidden_prefix)
            scores = torch.cat([prefix, scores], -1)
        return own.shares(scores), scores

    def backward(
        self,
        grad: torch.Tensor,
        into: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        dkp: torch.Tensor | None,
        dvp: torch.Tensor | None,
    ) -> None:
        """Write the gradients of q, k, v; add those of the prompt."""
        own, rows = self.own, self.own.rows
        dout = own.pad_gradient(grad)
        p, scores = self._probabilities()
        dlocal = torch.bmm(rows(dout), rows(own.v).transpose(1, 2)).view(own.J, -1, own.T)
        dp = torch.cat([torch.bmm(dout, own.vp.transpose(1, 2)), dlocal], -1) if own.P else dlocal
        ds = own.scoring.through_cap(torch._softmax_backward_data(dp, p, -1, p.dtype), scores)
        ds_local = rows(ds[..., own.P :].contiguous() if own.P else ds)
        p_local = rows(p[..., own.P :].contiguous() if own.P else p)
        dq = torch.bmm(ds_local, rows(own.k)).view(own.J, -1, own.d)
        if own.P:
            dq = torch.baddbmm(dq, ds[..., : own.P], own.kp)
            if dkp is not None and dvp is not None:
                dkp[own.span] += torch.bmm(ds[..., : own.P].transpose(1, 2), own.q).transpose(0, 1)
                dvp[own.span] += torch.bmm(p[..., : own.P].transpose(1, 2), dout).transpose(0, 1)
        own.write(into[0], dq)
        own.write(into[1], torch.bmm(ds_local.transpose(1, 2), rows(own.q)))
        own.write(into[2], torch.bmm(p_local.transpose(1, 2), rows(dout)))


class _Spans:
    """A block of long rows, a span of queries at a time; the prompt's keys stand before each row's own."""

    def __init__(self, own: Slots, span: int) -> None:
        self.own, self.size = own, span
        self.plain = own.block.causal and own.block.tree_nTT is None
        self.q = own.rows(own.q)  # [J*n, T*G, d]
        self.k = self._behind_prompt(own.k, own.kp if own.P else None)  # [J*n, P + T, d]
        self.v = self._behind_prompt(own.v, own.vp if own.P else None)

    def _behind_prompt(self, x: torch.Tensor, prompt: torch.Tensor | None) -> torch.Tensor:
        own = self.own
        if prompt is None:
            return own.rows(x)
        each = prompt[:, None].expand(-1, own.n, -1, -1)
        return torch.cat([each, x.view(own.J, own.n, own.T, own.d)], 2).view(-1, own.P + own.T, own.d)

    def _spans(self) -> Iterator[tuple[slice, slice, torch.Tensor, torch.Tensor]]:
        """Each span of queries: its place in `q`, that of the keys it may see, probabilities over them, and scores."""
        own, causal = self.own, self.own.block.causal
        for start in range(0, own.T, self.size):
            stop = min(start + self.size, own.T)
            first = 0
            if own.window is not None and self.plain:
                first = max(0, own.P + start - own.window + 1)
            queries = slice(start * own.G, stop * own.G)
            keys = slice(first, own.P + (stop if causal else own.T))
            scores = own.scoring.scores(torch.bmm(self.q[:, queries], self.k[:, keys].transpose(1, 2)))
            if self.plain:
                self._hide_plain(scores, start, stop, keys)
            else:
                self._hide(scores, start, stop, keys)
            yield queries, keys, own.shares(scores), scores

    def _hide_plain(self, scores: torch.Tensor, start: int, stop: int, keys: slice) -> None:
        """Hide what follows a query, or lies beyond its window, in plain text: there places are positions."""
        own, device = self.own, scores.device
        window = own.window if own.window is not None and own.P + stop - keys.start > own.window else None
        at = torch.arange(own.P + start, own.P + stop, device=device)[:, None]
        seen = torch.arange(own.P + start if window is None else keys.start, keys.stop, device=device)
        hidden = seen > at
        if window is not None:
            hidden |= at - seen >= window
        own.hide(scores, hidden[None])

    def _hide(self, scores: torch.Tensor, start: int, stop: int, keys: slice) -> None:
        """Hide what the block's masks hide; all keys are there, or all up to the last query's."""
        own = self.own
        hidden_prefix, hidden_local = own.block.hidden_from(own.P, own.window)
        if hidden_prefix is not None and own.P:
            own.hide(scores[..., : own.P], hidden_prefix[:, start:stop])
        if hidden_local is not None:
            own.hide(scores, hidden_local[:, start:stop, : keys.stop - own.P])

    def forward(self, out: torch.Tensor) -> None:
        """Write the weighted values to their packed places in `out` [R, H, d]."""
        result = torch.empty_like(self.q)
        for queries, keys, p, _ in self._spans():
            result[:, queries] = torch.bmm(p, self.v[:, keys])
        self.own.write(out, result)

    def backward(
        self,
        grad: torch.Tensor,
        into: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
        dkp: torch.Tensor | None,
        dvp: torch.Tensor | None,
    ) -> None:
        """Write the gradients of q, k, v; add those of the prompt."""
        own = self.own
        dout, dq = own.rows(own.pad_gradient(grad)), torch.empty_like(self.q)
        dk, dv = (torch.zeros_like(x, dtype=torch.float32) for x in (self.k, self.v))  # summed over spans
        for queries, keys, p, scores in self._spans():
            dp = torch.bmm(dout[:, queries], self.v[:, keys].transpose(1, 2))
            ds = own.scoring.through_cap(torch._softmax_backward_data(dp, p, -1, p.dtype), scores)
            dq[:, queries] = torch.bmm(ds, self.k[:, keys])
            dk[:, keys] += torch.bmm(ds.transpose(1, 2), self.q[:, queries])
            dv[:, keys] += torch.bmm(p.transpose(1, 2), dout[:, queries])
        own.write(into[0], dq)
        for gradient, local, prompt in ((dk, into[1], dkp), (dv, into[2], dvp)):
            parts = gradient.view(own.J, own.n, -1, own.d)
            own.write(local, parts[:, :, own.P :])
            if prompt is not None:
                prompt[own.span] += parts[:, :, : own.P].sum(1).transpose(0, 1)
