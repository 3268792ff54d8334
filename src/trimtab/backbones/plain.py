"""The attention that transformers' own modules call in place of theirs, over packed tokens. Knows nothing of models.

S tokens of all prompts, N packed tokens, d head size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from trimtab.backbones import attention
from trimtab.backbones.current import current
from trimtab.backbones.layout import Layout
from trimtab.backbones.prefix import Layers
from trimtab.errors import TrimtabError

ATTENTION = "trimtab_shared_prefix"

# (index of the layer, queries [N, heads, d], keys and values [N, key/value heads, d], scale, sliding window) -> [N,
# heads, d]
Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor, float, int | None], torch.Tensor]


@dataclass
class Pass:
    """One pass over packed tokens, as the attention of a plain module needs to know it; or `attend`, to be asked."""

    prompts: Layout | None
    rows: Layout | None
    lengths: tuple[int, ...]
    state: Layers | None
    capture: list[tuple[torch.Tensor, torch.Tensor]] | None
    past: attention.Past | None = None
    checkpointing: bool = False
    attend: Attend | None = None


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
    now: Pass = current()
    if softcap is not None or s_aux is not None:
        raise TrimtabError("attention with score capping or sinks is not supported.", "Choose another backbone.")
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
    scale = scaling if scaling is not None else q.shape[-1] ** -0.5
    if now.attend is not None:
        return now.attend(module.layer_idx, q, k, v, scale, sliding_window)[None], None
    S = len(now.prompts) if now.prompts is not None else 0
    prefix = now.state[module.layer_idx] if now.state is not None else None
    out = []
    if now.prompts is not None:
        own, lengths = (k[:S], v[:S]), now.past.lengths if now.past else ()
        if now.capture is not None:
            now.capture.append(own)
        out.append(
            attention.attend(
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
            attention.attend(
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
