"""Decoder layers of the Llama family with a hand-written backward pass. Knows nothing about embeddings or tasks.

Their oracle is the plain path of causal.py, through transformers' own modules. The weights are frozen, so that the
backward pass needs gradients of activations only: one Function a layer saves the few tensors that takes (residual
stream, rotated queries, keys and values, MLP pre-activations), or, with gradient checkpointing (Chen et al. 2016), its
input alone, from which the others are made again. Queries, keys and values are one matrix product, gate and up another,
and the last layer computes only the tokens that are scored.

N packed tokens (S of prompts first, then R of rows), D hidden, H query heads, J key/value heads, d head size, I MLP
width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from trimtab.backbones.attention import joint
from trimtab.backbones.attention.block import How
from trimtab.backbones.attention.packed import Attend
from trimtab.backbones.attention.scoring import Scoring
from trimtab.backbones.layers.weights import Layer
from trimtab.backbones.layout import Layout


@dataclass(frozen=True)
class Step:
    """What all layers of one pass share.

    Attributes:
        prompts: layout of the prompt tokens read in this pass (S of them), or None where none are.
        rows: layout of the row tokens, or None where only prompts are read.
        prefix_lengths: tokens rows have before them, by prompt: past and prompt.
        past: where prompts are read on top of keys and values that were there before; else None.
        checkpointing: save each layer's input only, and make the rest again in the backward pass.
        rotary: name -> (cos, sin), each [N, 1, d/2].
        keep: packed tokens wanted from the last layer, or None for all.
        first_grad: number of leading tokens whose input gradient is wanted (the others are frozen embeddings).
    """

    prompts: Layout | None
    rows: Layout | None
    prefix_lengths: tuple[int, ...]
    rotary: dict[str, tuple[torch.Tensor, torch.Tensor]]
    keep: torch.Tensor | None
    first_grad: int
    past: joint.Past | None = None
    checkpointing: bool = False

    @property
    def prompt_tokens(self) -> int:
        """S of this pass."""
        return len(self.prompts) if self.prompts is not None else 0


def run(
    x_ND: torch.Tensor,
    layers: Sequence[Layer],
    step: Step,
    state: Sequence[tuple[torch.Tensor, torch.Tensor]] | None,
    capture: list[tuple[torch.Tensor, torch.Tensor]] | None,
) -> torch.Tensor:
    """Run the decoder layers.

    Args:
        x_ND: packed input embeddings, prompts first.
        layers: the decoder layers.
        step: what the layers share.
        state: keys and values a layer that were there before: of the prompts where `step.prompts` is None, else of
            `step.past`.
        capture: filled with keys and values [S, J, d] a layer of the prompts of this pass; gradients flow through.

    Returns:
        [N, D], or [len(step.keep), D]; before the final norm.
    """
    for index, layer in enumerate(layers):
        last = index == len(layers) - 1
        kp, vp = state[index] if state is not None else (None, None)
        x_ND, k, v = _Layer.apply(x_ND, kp, vp, layer, step, last, index == 0)  # type: ignore[no-untyped-call]
        if capture is not None:
            capture.append((k, v))
    return x_ND


def run_with(
    x_ND: torch.Tensor, layers: Sequence[Layer], rotary: dict[str, tuple[torch.Tensor, torch.Tensor]], attend: Attend
) -> torch.Tensor:
    """Run the decoder layers with attention of the caller's, without gradients: [N, D] -> [N, D], before the norm."""
    step = Step(None, None, (), rotary, None, 0)
    for index, layer in enumerate(layers):

        def asked(qkv: torch.Tensor, index: int = index, layer: Layer = layer) -> torch.Tensor:
            return attend(index, *_split(qkv, layer), Scoring(layer.scale, layer.window)).flatten(1)

        x_ND, _ = _compute(x_ND, None, None, layer, step, None, asked)
    return x_ND


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x, kp, vp, layer, step, last, first):  # type: ignore[no-untyped-def]
        keep = step.keep if last else None
        y, saved = _compute(x, kp, vp, layer, step, keep)
        ctx.save_for_backward(*((x, kp, vp) if step.checkpointing else (x, kp, vp, *saved)))
        ctx.rest = layer, step, keep, first
        ctx.set_materialize_grads(False)
        S, qkv = step.prompt_tokens, saved[3]
        k, v = qkv[:S, layer.heads : -layer.kv_heads], qkv[:S, -layer.kv_heads :]
        return y, k, v

    @staticmethod
    def backward(ctx: Any, dy, dk_out, dv_out):  # type: ignore[no-untyped-def]
        layer, step, keep, first = ctx.rest
        x, kp, vp, *saved = ctx.saved_tensors
        if step.checkpointing:
            saved = _compute(x, kp, vp, layer, step, keep)[1]
        rstd1, raw, rstd_qk, qkv, o_raw, rstd_o, x2, rstd2, gate_up, m_raw, rstd_m = saved
        dkp = dvp = dx2 = None
        dqkv = torch.zeros_like(qkv) if dy is None else torch.empty_like(qkv)  # filled whole below
        if dy is not None:
            dm = dy if m_raw is None else _norm_backward(dy, m_raw, rstd_m, layer.norm_after_mlp)
            dgate_up = _gate_backward(torch.mm(dm, layer.down), gate_up, layer)
            dx2 = _norm_backward(torch.mm(dgate_up, layer.gate_up), x2, rstd2, layer.norm_mlp, add=dy)
            do = dx2 if o_raw is None else _norm_backward(dx2, o_raw, rstd_o, layer.norm_after_attention)
            datt = torch.mm(do, layer.out)
            if keep is not None:
                datt = datt.new_zeros(x.shape[0], datt.shape[1]).index_copy_(0, keep, datt)
            dkp, dvp = _attend_backward(datt.view(x.shape[0], layer.heads, layer.head_size), dqkv, qkv, layer, step,
                                        kp, vp, want_state=ctx.needs_input_grad[1])  # fmt: skip
        S = step.prompt_tokens
        if dk_out is not None:
            dqkv[:S, layer.heads : -layer.kv_heads] += dk_out
        if dv_out is not None:
            dqkv[:S, -layer.kv_heads :] += dv_out
        dx = None
        if ctx.needs_input_grad[0]:
            wanted = step.first_grad if first else x.shape[0]
            draw = _normed_rotated_backward(dqkv[:wanted], raw, rstd_qk, layer, step)
            dh = torch.mm(draw.view(wanted, -1), layer.qkv)
            dx = _norm_backward(dh, x[:wanted], rstd1[:wanted], layer.norm_attention)
            if wanted < x.shape[0]:
                dx = torch.cat([dx, dx.new_zeros(x.shape[0] - wanted, dx.shape[1])])
            if dx2 is not None and keep is not None:
                dx.index_add_(0, keep, dx2)
            elif dx2 is not None:
                dx[:wanted] += dx2[:wanted]
        return dx, dkp, dvp, None, None, None, None


def _compute(
    x: torch.Tensor, kp: Any, vp: Any, layer: Layer, step: Step, keep: torch.Tensor | None,
    attend: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> tuple[torch.Tensor, tuple[Any, ...]]:  # fmt: skip
    """The layer's output, and what its backward pass needs besides its input."""
    h, rstd1 = _norm(x, layer.norm_attention, layer.eps)
    raw = F.linear(h, layer.qkv, layer.qkv_bias).view(x.shape[0], -1, layer.head_size)
    qkv, rstd_qk = _normed_rotated(raw, layer, step)
    att = _attend(qkv, layer, step, kp, vp) if attend is None else attend(qkv)
    o = F.linear(att if keep is None else att.index_select(0, keep), layer.out, layer.out_bias)
    residual = x if keep is None else x.index_select(0, keep)
    o_raw = rstd_o = m_raw = rstd_m = None
    if layer.norm_after_attention is not None:
        o_raw = o
        o, rstd_o = _norm(o, layer.norm_after_attention, layer.eps)
    x2 = residual + o
    h, rstd2 = _norm(x2, layer.norm_mlp, layer.eps)
    gate_up = F.linear(h, layer.gate_up)
    m = F.linear(_gate(gate_up, layer), layer.down)
    if layer.norm_after_mlp is not None:
        m_raw = m
        m, rstd_m = _norm(m, layer.norm_after_mlp, layer.eps)
        y = x2 + m
    else:
        y = m.add_(x2)
    return y, (
        rstd1,
        raw if rstd_qk is not None else None,
        rstd_qk,
        qkv,
        o_raw,
        rstd_o,
        x2,
        rstd2,
        gate_up,
        m_raw,
        rstd_m,
    )


def _attend(qkv: torch.Tensor, layer: Layer, step: Step, kp: Any, vp: Any) -> torch.Tensor:
    """[N, H d]: prompts attend to themselves, rows to their prompt and themselves."""
    S, (q, k, v) = step.prompt_tokens, _split(qkv, layer)
    out = qkv.new_empty(qkv.shape[0], layer.heads * layer.head_size)
    heads = out.view(-1, layer.heads, layer.head_size)
    if step.prompts is not None:
        joint.forward(q[:S], k[:S], v[:S], kp, vp, _how_prompts(layer, step), heads[:S])
        kp, vp = _seen_by_rows(k[:S], v[:S], kp, vp, step)
    if step.rows is not None:
        joint.forward(q[S:], k[S:], v[S:], kp, vp, _how(step.rows, layer, step), heads[S:])
    return out


def _attend_backward(
    datt: torch.Tensor, dqkv: torch.Tensor, qkv: torch.Tensor, layer: Layer, step: Step, kp: Any, vp: Any, *,
    want_state: bool,
) -> tuple[torch.Tensor | None, torch.Tensor | None]:  # fmt: skip
    """Write the gradients of queries, keys and values to dqkv; return those of prompts read before."""
    S, (q, k, v) = step.prompt_tokens, _split(qkv, layer)
    dq, dk, dv = _split(dqkv, layer)
    dkp = dvp = None
    seen = (kp, vp) if step.prompts is None else _seen_by_rows(k[:S], v[:S], kp, vp, step)
    if step.rows is not None:
        *_, dkp, dvp = joint.backward(
            datt[S:], q[S:], k[S:], v[S:], seen[0], seen[1], _how(step.rows, layer, step),
            want_prefix=want_state or step.prompts is not None, into=(dq[S:], dk[S:], dv[S:]),
        )  # fmt: skip
    if step.prompts is None:
        return dkp, dvp
    *_, dpast_k, dpast_v = joint.backward(
        datt[:S], q[:S], k[:S], v[:S], kp, vp, _how_prompts(layer, step),
        want_prefix=want_state, into=(dq[:S], dk[:S], dv[:S]),
    )  # fmt: skip
    if dkp is None or dvp is None:
        return dpast_k, dpast_v
    if step.past is not None:
        (from_rows_k, dkp), (from_rows_v, dvp) = step.past.part(dkp), step.past.part(dvp)
        dpast_k = from_rows_k if dpast_k is None else dpast_k + from_rows_k
        dpast_v = from_rows_v if dpast_v is None else dpast_v + from_rows_v
    dk[:S] += dkp
    dv[:S] += dvp
    return (dpast_k, dpast_v) if want_state else (None, None)


def _seen_by_rows(
    k: torch.Tensor, v: torch.Tensor, kp: torch.Tensor | None, vp: torch.Tensor | None, step: Step
) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values rows have before them: those of the prompts of this pass, behind what was there before."""
    if step.past is None or kp is None or vp is None:
        return k, v
    return step.past.join(kp, k), step.past.join(vp, v)


def _how_prompts(layer: Layer, step: Step) -> How:
    """How a layer attends the prompts of a step: each to its past and itself."""
    assert step.prompts is not None
    return How(step.prompts, Scoring(layer.scale, layer.window), step.past.lengths if step.past else ())


def _how(layout: Layout, layer: Layer, step: Step) -> How:
    """How a layer attends the rows of a step: each to what it has before it and itself."""
    return How(layout, Scoring(layer.scale, layer.window), step.prefix_lengths)


def _split(qkv: torch.Tensor, layer: Layer) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return qkv[:, : layer.heads], qkv[:, layer.heads : -layer.kv_heads], qkv[:, -layer.kv_heads :]


def _norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Root mean square norm (Zhang & Sennrich 2019) over the last axis, and 1 / RMS in float32."""
    wide = x.float()
    rstd = torch.linalg.vector_norm(wide, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(eps).rsqrt_()
    return torch.mul(wide, rstd).mul_(weight).to(x.dtype), rstd


def _norm_backward(
    dh: torch.Tensor, x: torch.Tensor, rstd: torch.Tensor, weight: Any, add: torch.Tensor | None = None
) -> torch.Tensor:
    """Gradient of `_norm` with respect to x, plus `add`."""
    g = torch.mul(dh.float(), weight)
    wide = x.float()
    shared = (g * wide).sum(-1, keepdim=True).mul_(rstd.pow(3).div_(-x.shape[-1]))
    out = g.mul_(rstd).addcmul_(wide, shared)
    if add is not None:
        out.add_(add)
    return out.to(x.dtype)


def _normed_rotated(raw: torch.Tensor, layer: Layer, step: Step) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Normalise (where the family does) and rotate queries and keys; values pass. raw: [N, H + 2J, d]."""
    qk = raw[:, : -layer.kv_heads]
    rstd = None
    if layer.norm_q is not None:
        weight = _qk_weight(layer)
        qk, rstd = _norm(qk, weight, layer.eps)
    cos, sin = step.rotary[layer.rotary]
    half = layer.head_size // 2
    out = torch.empty_like(raw)
    out[:, -layer.kv_heads :] = raw[:, -layer.kv_heads :]
    rotated = out[:, : -layer.kv_heads]
    a, b = qk[..., :half], qk[..., half:]
    torch.mul(a, cos, out=rotated[..., :half]).addcmul_(b, sin, value=-1)
    torch.mul(b, cos, out=rotated[..., half:]).addcmul_(a, sin)
    return out, rstd


def _normed_rotated_backward(
    dqkv: torch.Tensor, raw: torch.Tensor | None, rstd: torch.Tensor | None, layer: Layer, step: Step
) -> torch.Tensor:
    wanted = dqkv.shape[0]
    cos, sin = (table[:wanted] for table in step.rotary[layer.rotary])
    half = layer.head_size // 2
    out = dqkv.clone()
    a, b = dqkv[:, : -layer.kv_heads, :half], dqkv[:, : -layer.kv_heads, half:]
    back = out[:, : -layer.kv_heads]
    torch.mul(a, cos, out=back[..., :half]).addcmul_(b, sin)
    torch.mul(b, cos, out=back[..., half:]).addcmul_(a, sin, value=-1)
    if raw is not None and rstd is not None:
        back.copy_(_norm_backward(back, raw[:wanted, : -layer.kv_heads], rstd[:wanted], _qk_weight(layer)))
    return out


def _qk_weight(layer: Layer) -> torch.Tensor:
    """[H + J, d]: the norm weight of each query and key head."""
    assert layer.norm_q is not None
    assert layer.norm_k is not None
    return torch.cat([layer.norm_q.expand(layer.heads, -1), layer.norm_k.expand(layer.kv_heads, -1)])


def _gate(gate_up: torch.Tensor, layer: Layer) -> torch.Tensor:
    """act(gate) * up: [N, I]."""
    gate, up = gate_up.chunk(2, -1)
    return (F.gelu(gate, approximate="tanh") if layer.tanh_gelu else F.silu(gate)).mul_(up)


def _gate_backward(da: torch.Tensor, gate_up: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Gradient of `_gate` with respect to [gate, up]: [N, 2I]."""
    gate, up = gate_up.chunk(2, -1)
    out = torch.empty_like(gate_up)
    dgate, dup = out.chunk(2, -1)
    if layer.tanh_gelu:
        torch.mul(da, F.gelu(gate, approximate="tanh"), out=dup)
        dgate.copy_(torch.ops.aten.gelu_backward(da.mul_(up), gate, approximate="tanh"))
        return out
    sigmoid = torch.sigmoid(gate)  # one exponential serves silu(g) = g s and its slope s + silu(g) (1 - s)
    silu = torch.mul(gate, sigmoid)
    torch.mul(da, silu, out=dup)
    torch.addcmul(sigmoid, silu, torch.sub(1, sigmoid), out=dgate).mul_(da.mul_(up))
    return out
