"""The hand-written pieces of fused layers, against autograd on their definitions."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from closeness import assert_near
from models import tiny_model
from trimtab.backbones.layers import fused
from trimtab.backbones.layers.weights import layers_of

TOKENS = 5


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_norm_and_its_gradient():
    x, weight, upper, add = drawn(1, TOKENS, 8).requires_grad_(), drawn(2, 8), drawn(3, TOKENS, 8), drawn(4, TOKENS, 8)
    expected = F.rms_norm(x, (8,), weight, 1e-5)
    with torch.no_grad():
        found, rstd = fused._norm(x, weight, 1e-5)
        gradient = fused._norm_backward(upper, x, rstd, weight, add.clone())
    torch.testing.assert_close(found, expected.detach())
    (wanted,) = torch.autograd.grad((expected * upper).sum(), x)
    torch.testing.assert_close(gradient, wanted + add)


@pytest.mark.parametrize("name", ["llama", "gemma3"])
def test_the_gate_and_its_gradient(name):
    [layer, *_] = layers_of(tiny_model(name))
    both, upper = drawn(1, TOKENS, 2 * 12).requires_grad_(), drawn(2, TOKENS, 12)
    gate, up = both.chunk(2, -1)
    expected = (F.gelu(gate, approximate="tanh") if name == "gemma3" else F.silu(gate)) * up
    with torch.no_grad():
        found = fused._gate(both, layer)
        gradient = fused._gate_backward(upper.clone(), both, layer)
    torch.testing.assert_close(found, expected.detach())
    (wanted,) = torch.autograd.grad((expected * upper).sum(), both)
    torch.testing.assert_close(gradient, wanted)


@pytest.mark.parametrize("name", ["llama", "qwen3", "gemma3"])
def test_queries_and_keys_are_normalised_and_rotated_as_transformers_does(name):
    model = tiny_model(name)
    [layer, *_] = layers_of(model)
    H, J, d = layer.heads, layer.kv_heads, layer.head_size
    raw = drawn(1, TOKENS, H + 2 * J, d).requires_grad_()
    positions, kind = torch.tensor([[0, 1, 2, 7, 8]]), layer.rotary
    cos, sin = model.model.rotary_emb(raw, positions, kind) if kind else model.model.rotary_emb(raw, positions)
    attention = model.model.layers[0].self_attn
    q, k = raw[:, :H], raw[:, H:-J]
    if layer.norm_q is not None:
        q, k = attention.q_norm(q), attention.k_norm(k)
    q, k = apply_rotary_pos_emb(q.transpose(0, 1)[None], k.transpose(0, 1)[None], cos, sin)
    expected = torch.cat([q[0].transpose(0, 1), k[0].transpose(0, 1), raw[:, -J:]], 1)
    step = fused.Step(None, None, (), {kind: (cos[0, :, None, : d // 2], sin[0, :, None, : d // 2])}, None, 0)
    upper = drawn(2, *raw.shape)
    with torch.no_grad():
        found, rstd = fused._normed_rotated(raw, layer, step)
        gradient = fused._normed_rotated_backward(upper, raw if rstd is not None else None, rstd, layer, step)
    assert_near(found, expected.detach())
    (wanted,) = torch.autograd.grad((expected * upper).sum(), raw)
    assert_near(gradient, wanted)
