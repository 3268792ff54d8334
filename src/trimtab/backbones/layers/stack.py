"""Fused layers over packed tokens, one after another. Knows nothing about prompts, rows or embeddings.

N packed tokens, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from trimtab.backbones.attention.packed import Attend, PackedPass
from trimtab.backbones.layers import fused
from trimtab.backbones.layers.weights import Layer


@dataclass(frozen=True)
class FusedStack:
    """Some consecutive layers of a model, and its final norm where they end with its last.

    Attributes:
        base: the transformers model without its head, whose rotary embeddings and final norm are used.
        layers: the layers.
        normed: whether the final norm follows them.
    """

    base: Any
    layers: Sequence[Layer]
    normed: bool = True

    def above(self, layer: int) -> FusedStack:
        """From this layer on, counted from 0."""
        return replace(self, layers=self.layers[layer:])

    def below(self, layer: int) -> FusedStack:
        """The layers before this one, which make the hidden states that it finds."""
        return replace(self, layers=self.layers[:layer], normed=False)

    def run(
        self, x_ND: torch.Tensor, now: PackedPass, positions_N: torch.Tensor, *, keep: torch.Tensor | None,
        first_grad: int,
    ) -> torch.Tensor:  # fmt: skip
        """Hidden states [N, D] behind these layers, or [len(keep), D]; see `shared_prefix.Reader`."""
        rotary = self._rotary(x_ND, positions_N)
        step = fused.Step(now.prompts, now.rows, now.lengths, rotary, keep, first_grad, now.past, now.checkpointing)
        return self._norm(fused.run(x_ND, self.layers, step, now.state, now.capture))

    def attended(self, x_ND: torch.Tensor, positions_N: torch.Tensor, attend: Attend) -> torch.Tensor:
        """Hidden states [N, D] of tokens whose attention is the caller's to work out, without gradients."""
        with torch.no_grad():
            return self._norm(fused.run_with(x_ND, self.layers, self._rotary(x_ND, positions_N), attend))

    def _norm(self, x_ND: torch.Tensor) -> torch.Tensor:
        return self.base.norm(x_ND) if self.normed else x_ND

    def _rotary(self, x_ND: torch.Tensor, positions_N: torch.Tensor) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Cosines and sines [N, 1, d/2] of each kind of rotary embedding that the layers have."""
        out = {}
        for kind in {layer.rotary for layer in self.layers}:
            given = (x_ND[None], positions_N[None], kind) if kind else (x_ND[None], positions_N[None])
            cos, sin = self.base.rotary_emb(*given)
            half = cos.shape[-1] // 2
            out[kind] = cos[0, :, None, :half], sin[0, :, None, :half]
        return out
