"""The attention that an encoder-decoder's modules call in place of theirs, over padded rows. Knows nothing of models.

n rows of a batch, T tokens of its longest, p paths of a row's answer tree, L decoder tokens, P past tokens, H heads, d
head size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from trimtab.backbones.attention.current_pass import current_pass
from trimtab.backbones.prefix import KVCache
from trimtab.errors import BackboneError

PADDED_ATTENTION = "trimtab_encoder_decoder"


# A self-attention of a model, and the keys and values [1, H, P, d] that it has seen.
Seen = tuple[nn.Module, torch.Tensor, torch.Tensor]

# (index of the decoder's layer, whether it looks at the encoder, queries [N, H, L, d], scaled, keys and values [rows,
# H, tokens, d], bias on the scores) -> [N, H, L, d]
AttendPadded = Callable[[int, bool, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]


@dataclass
class PaddedPass:
    """One batch on its way through the encoder or the decoder, as their attention needs to know it.

    Attributes:
        decoding: whether this is the decoder.
        outside_nT: True where a slot of the encoder's rows holds no token; None where all do.
        past: keys and values [P, H, d] of every layer, the encoder's first; or None.
        places: each self-attention's index among these layers.
        seen: where what is attended to is noted down, in the order of the layers; or None.
    """

    decoding: bool
    outside_nT: torch.Tensor | None
    past: KVCache | None
    places: Mapping[nn.Module, int]
    seen: list[Seen] | None = None


@dataclass(frozen=True)
class AskedPaddedPass:
    """Some tokens on their way through the encoder or the decoder, whose attention is worked out elsewhere.

    Attributes:
        decoding: whether this is the decoder.
        attend: works it out.
    """

    decoding: bool
    attend: AttendPadded


def attend_padded(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: object,
    scaling: float | None = None,
    position_bias: torch.Tensor | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: object = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attention function for transformers modules: shapes [rows, H, tokens, d] in, [rows, tokens, H, d] out.

    A decoder has p paths a row: where it attends to the encoder's n rows, n p rows of queries are n rows of p L.
    """
    now: PaddedPass | AskedPaddedPass = current_pass()
    if sliding_window is not None or softcap is not None or s_aux is not None:
        raise BackboneError(
            "an encoder-decoder with sliding windows, score capping or sinks is not supported.",
            "Choose another backbone.",
        )
    shape = query.shape
    to_encoder = now.decoding and not module.is_causal
    query = query * (scaling if scaling is not None else shape[-1] ** -0.5)
    if isinstance(now, AskedPaddedPass):
        return now.attend(module.layer_idx, to_encoder, query, key, value, position_bias).transpose(1, 2), None
    past = None if to_encoder or now.past is None else now.past[now.places[module]]
    if now.seen is not None and not to_encoder:
        now.seen.append((module, key, value))
    if to_encoder:
        query = query.view(len(key), -1, *shape[1:]).transpose(1, 2).flatten(2, 3)
    scores = query @ key.transpose(2, 3)
    if position_bias is not None and not to_encoder:
        scores = scores + position_bias
    if now.decoding and not to_encoder:
        scores = scores.masked_fill(scores.new_ones(scores.shape[-2:], dtype=torch.bool).triu(1), float("-inf"))
    elif now.outside_nT is not None:
        scores = scores.masked_fill(now.outside_nT[:, None, None], float("-inf"))
    if past is None:
        out = torch.softmax(scores.float(), -1).to(value.dtype) @ value
    else:
        past_key, past_value = (x.transpose(0, 1) for x in past)
        both = torch.cat([query @ past_key.transpose(1, 2), scores], -1)
        shares = torch.softmax(both.float(), -1).to(value.dtype)
        out = shares[..., : len(past[0])] @ past_value + shares[..., len(past[0]) :] @ value
    if to_encoder:
        out = out.view(len(key), shape[1], -1, *shape[2:]).transpose(1, 2).flatten(0, 1)
    return out.transpose(1, 2), None
