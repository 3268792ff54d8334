"""From products of queries and keys to shares of values, as a family has it. Knows nothing of packing or of models.

J key/value heads, G queries of a row for each of them, H = J G.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Scoring:
    """How a layer's attention makes scores, and shares of them.

    Attributes:
        scale: factor of the products.
        window: sliding window in tokens, or None for full attention.
        cap: scores are cap * tanh(scores / cap) (Gemma 2, Gemma Team 2024, section 2); or None.
        sinks_H: a score for each head that stands beside those of the keys, and has no value (GPT-OSS); or None.
    """

    scale: float
    window: int | None = None
    cap: float | None = None
    sinks_H: torch.Tensor | None = None

    def scores(self, products: torch.Tensor) -> torch.Tensor:
        """Scores of keys, in the place of the products."""
        products.mul_(self.scale)
        return products if self.cap is None else products.div_(self.cap).tanh_().mul_(self.cap)

    def shares(self, scores_JGK: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """What each key has of [..., J, G, keys], the softmax worked out in float32."""
        if self.sinks_H is None:
            return torch.softmax(scores_JGK, -1, dtype=torch.float32).to(dtype)
        J, G = scores_JGK.shape[-3:-1]
        sinks = self.sinks_H.detach().to(scores_JGK.dtype).view(J, G, 1).expand(*scores_JGK.shape[:-1], 1)
        return torch.softmax(torch.cat([scores_JGK, sinks], -1), -1, dtype=torch.float32)[..., :-1].to(dtype)

    def through_cap(self, gradient: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The gradient of scores, in its place, as one of products; scores that are hidden are -inf."""
        gradient.mul_(self.scale)
        if self.cap is None:
            return gradient
        return gradient.mul_(1 - (scores / self.cap).clamp_(-1, 1).square_())
