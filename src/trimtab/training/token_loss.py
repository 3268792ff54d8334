"""Cross entropy of tokens over the vocabulary, a piece of the tokens at a time. Knows nothing about tasks.

M scored tokens, D hidden, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from trimtab.backbones.causal import CausalBackbone
from trimtab.decoding.scoring import PIECE


def token_losses(
    backbone: CausalBackbone, hidden_MD: torch.Tensor, targets_M: torch.Tensor, smoothing: float = 0.0
) -> torch.Tensor:
    """Cross entropy of each token [M] over the vocabulary, float32; scores never exist for all tokens at once.

    Where the output vectors are frozen, the gradient of the hidden states is made along with the loss, so that nothing
    is computed again; else the scores are made again in the backward pass.

    Args:
        backbone: what the hidden states are of.
        hidden_MD: final hidden states, ready for `CausalBackbone.logits`.
        targets_M: the right tokens.
        smoothing: label smoothing (Szegedy et al. 2016) over the vocabulary.
    """
    step = max(1, PIECE // backbone.vocabulary_size)
    frozen = not any(
        x.requires_grad for x in (backbone.output.weight, getattr(backbone.output, "bias", None)) if x is not None
    )
    if frozen and not smoothing:
        return _Frozen.apply(hidden_MD, targets_M, backbone, step)  # type: ignore[no-any-return, no-untyped-call]

    def losses(hidden: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(backbone.logits(hidden), targets, reduction="none", label_smoothing=smoothing)

    pieces = zip(torch.split(hidden_MD, step), torch.split(targets_M, step), strict=True)
    return torch.cat([backbone.made_again(losses, hidden, targets) for hidden, targets in pieces])


class _Frozen(torch.autograd.Function):
    """The loss by frozen output vectors: its gradient is (softmax - target) times these vectors."""

    @staticmethod
    def forward(ctx: Any, hidden, targets, backbone, step):  # type: ignore[no-untyped-def]
        losses, gradients = [], []
        wanted = ctx.needs_input_grad[0]
        weight = backbone.output.weight
        cap = getattr(backbone.config, "final_logit_softcapping", None)
        for own, right in zip(hidden.split(step), targets.split(step), strict=True):
            logits = backbone.logits(own)
            losses.append(F.cross_entropy(logits, right, reduction="none"))
            if not wanted:
                continue
            slope = torch.softmax(logits, -1)
            slope[torch.arange(len(right), device=right.device), right] -= 1
            if cap:
                slope.mul_(1 - (logits / cap).square_())
            gradients.append(slope.to(weight.dtype) @ weight)
        if wanted:
            ctx.save_for_backward(torch.cat(gradients))
        return torch.cat(losses)

    @staticmethod
    def backward(ctx: Any, grad):  # type: ignore[no-untyped-def]
        (gradient,) = ctx.saved_tensors
        return (gradient * grad[:, None]).to(gradient.dtype), None, None, None
