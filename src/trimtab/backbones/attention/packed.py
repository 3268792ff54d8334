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
from trimtab.backbones.attention.scoring import Scoring
from trimtab.backbones.layout import Layout
from trimtab.backbones.prefix import KVCache

PACKED_ATTENTION = "trimtab_shared_prefix"

# (index of the layer, queries [N, heads, d], keys and values [N, key/value heads, d], how scores are made) ->
# [N, heads, d]
Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor, Scoring], torch.Tensor]


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
    attention_mask: object = None,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Attention function for transformers modules: shapes [1, heads, N, d] in, [1, N, heads, d] out.

    Where values are of another size than queries and keys (DeepSeek), zeros make all of one size.
    """
    now: PackedPass | AskedPass = current_pass()
    scoring = Scoring(scaling if scaling is not None else query.shape[-1] ** -0.5, sliding_window, softcap, s_aux)
    size, widest = value.shape[-1], max(value.shape[-1], query.shape[-1])
    q, k, v = (_widened(x[0].transpose(0, 1), widest) for x in (query, key, value))
    if isinstance(now, AskedPass):
        return now.attend(module.layer_idx, q, k, v, scoring)[None, ..., :size], None
    S = len(now.prompts) if now.prompts is not None else 0
    prefix = now.state[module.layer_idx] if now.state is not None else None
    out = []
    if now.prompts is not None:
        own, lengths = (k[:S], v[:S]), now.past.lengths if now.past else ()
        if now.capture is not None:
            now.capture.append(own)
        out.append(joint.attend(q[:S], *own, now.prompts, scoring, prefix=prefix, prefix_lengths=lengths))
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
                scoring,
                prefix=prefix,
                prefix_lengths=now.lengths,
            )
        )
    return torch.cat(out)[None, ..., :size], None


def _widened(x: torch.Tensor, size: int) -> torch.Tensor:
    """`x` [..., d], with zeros behind up to `size`."""
    return x if x.shape[-1] == size else torch.nn.functional.pad(x, (0, size - x.shape[-1]))
