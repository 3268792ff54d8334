"""The attention that transformers' own modules call in place of theirs, over packed tokens. Knows nothing of models.

S tokens of all prompts, N packed tokens, d head size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from trimtab.backbones.attention import joint
from trimtab.backbones.attention.current_pass import current_pass
from trimtab.backbones.layout import Layout
from trimtab.backbones.prefix import KVCache
from trimtab.errors import BackboneError

PACKED_ATTENTION = "trimtab_shared_prefix"

# (index of the layer, queries [N, heads, d], keys and values [N, key/value heads, d], scale, sliding window) -> [N,
# heads, d]
Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor, float, int | None], torch.Tensor]


@dataclass
class PackedPass:
    """One pass over packed tokens, prompts first, as its attention needs to know it.

    Attributes:
        prompts: layout of the prompt tokens that are read in this pass; None where none are.
        rows: layout of the row tokens; None where only prompts are read.
        lengths: tokens that rows have before them, by prompt: past and prompt.
        state: keys and values a layer that were there before: of the prompts where none are read in this pass, else of
            `past`.
        capture: where each layer's keys and values of the prompts of this pass are noted down; or None.
        past: how keys and values that were there before stand in front of those of the prompts read on top of them.
        checkpointing: whether layers keep their inputs only, and are run again in the backward pass.
    """

    prompts: Layout | None
    rows: Layout | None
    lengths: tuple[int, ...]
    state: KVCache | None
    capture: list[tuple[torch.Tensor, torch.Tensor]] | None
    past: joint.Past | None = None
    checkpointing: bool = False


@dataclass(frozen=True)
class AskedPass:
    """One pass over packed tokens whose attention is worked out elsewhere."""

    attend: Attend


def attend_packed(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: object,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: object = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attention function for transformers modules: shapes [1, heads, N, d] in, [1, N, heads, d] out."""
    now: PackedPass | AskedPass = current_pass()
    if softcap is not None or s_aux is not None:
        raise BackboneError("attention with score capping or sinks is not supported.", "Choose another backbone.")
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
    scale = scaling if scaling is not None else q.shape[-1] ** -0.5
    if isinstance(now, AskedPass):
        return now.attend(module.layer_idx, q, k, v, scale, sliding_window)[None], None
    S = len(now.prompts) if now.prompts is not None else 0
    prefix = now.state[module.layer_idx] if now.state is not None else None
    out = []
    if now.prompts is not None:
        own, lengths = (k[:S], v[:S]), now.past.lengths if now.past else ()
        if now.capture is not None:
            now.capture.append(own)
        out.append(
            joint.attend(
                q[:S], *own, now.prompts, scale=scale, window=sliding_window, prefix=prefix, prefix_lengths=lengths
            )
        )
        prefix = (
            own
            if prefix is None or now.past is None
            else (now.past.join(prefix[0], own[0]), now.past.join(prefix[1], own[1]))
        )
    if now.rows is not None:
        out.append(
            joint.attend(
                q[S:],
                k[S:],
                v[S:],
                now.rows,
                scale=scale,
                window=sliding_window,
                prefix=prefix,
                prefix_lengths=now.lengths,
            )
        )
    return torch.cat(out)[None], None
