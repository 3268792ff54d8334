"""Frozen weights of decoder layers of the Llama family, read out of transformers models. Knows nothing about passes.

H query heads, J key/value heads, d head size, D hidden, I MLP width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Layer:
    """Frozen weights and constants of one decoder layer. Norm weights are the factors themselves (Gemma's 1 + w)."""

    norm_attention: torch.Tensor
    qkv: torch.Tensor  # [(H + 2J) d, D]
    qkv_bias: torch.Tensor | None
    norm_q: torch.Tensor | None  # [d]; Qwen3 and Gemma 3 normalise queries and keys
    norm_k: torch.Tensor | None
    out: torch.Tensor  # [D, H d]
    out_bias: torch.Tensor | None
    norm_after_attention: torch.Tensor | None  # Gemma 3
    norm_mlp: torch.Tensor
    gate_up: torch.Tensor  # [2I, D]
    down: torch.Tensor  # [D, I]
    norm_after_mlp: torch.Tensor | None  # Gemma 3
    heads: int
    kv_heads: int
    head_size: int
    eps: float
    scale: float
    window: int | None
    rotary: str  # which of the model's rotary embeddings
    tanh_gelu: bool  # MLP gate: tanh-approximated GELU, else SiLU


def layers_of(model: nn.Module) -> list[Layer] | None:
    """Read the layers of a transformers model, or None where its family is not one this file knows.

    The separate query/key/value and gate/up weights become views of one joined tensor, so that the model itself stays
    usable and memory does not double.
    """
    config: Any = model.config
    gemma = False
    match config.model_type:
        case "llama" | "mistral" | "qwen2" | "qwen3":
            if config.hidden_act != "silu" or getattr(config, "mlp_bias", False):
                return None
        case "gemma3_text":
            gemma = True
            if config.hidden_activation != "gelu_pytorch_tanh" or config.attn_logit_softcapping is not None:
                return None
        case _:
            return None
    return [_read(layer, config, gemma) for layer in model.base_model.layers]  # type: ignore[union-attr]


def _read(layer: Any, config: Any, gemma: bool) -> Layer:
    att, mlp = layer.self_attn, layer.mlp
    qkv, bias = _join([att.q_proj, att.k_proj, att.v_proj])
    gate_up, _ = _join([mlp.gate_proj, mlp.up_proj])
    window = config.sliding_window if config.model_type == "mistral" else getattr(att, "sliding_window", None)
    head = int(att.head_dim)

    def factor(norm: Any) -> torch.Tensor:
        weight = norm.weight.detach()
        result: torch.Tensor = 1.0 + weight.float() if gemma else weight
        return result

    q_norm, k_norm = getattr(att, "q_norm", None), getattr(att, "k_norm", None)
    return Layer(
        factor(layer.input_layernorm),
        qkv,
        bias,
        factor(q_norm) if q_norm is not None else None,
        factor(k_norm) if k_norm is not None else None,
        att.o_proj.weight.detach(),
        att.o_proj.bias.detach() if att.o_proj.bias is not None else None,
        factor(layer.post_attention_layernorm) if gemma else None,
        factor(layer.pre_feedforward_layernorm if gemma else layer.post_attention_layernorm),
        gate_up,
        mlp.down_proj.weight.detach(),
        factor(layer.post_feedforward_layernorm) if gemma else None,
        qkv.shape[0] // head - 2 * (att.k_proj.weight.shape[0] // head),
        att.k_proj.weight.shape[0] // head,
        head,
        float(config.rms_norm_eps),
        float(att.scaling),
        int(window) if window else None,
        att.layer_type if gemma else "",
        gemma,
    )


def _join(linears: list[nn.Linear]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Join the weights of linear layers that read the same input; the layers keep views of the joined tensor."""
    weight = torch.cat([linear.weight.detach() for linear in linears])
    biased = linears[0].bias is not None
    bias = torch.cat([linear.bias.detach() for linear in linears]) if biased else None
    at = 0
    for linear in linears:
        size = linear.weight.shape[0]
        linear.weight.data = weight[at : at + size]
        if bias is not None:
            linear.bias.data = bias[at : at + size]
        at += size
    return weight, bias
