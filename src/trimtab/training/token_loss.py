"""Cross entropy of tokens over the vocabulary, a piece of the tokens at a time. Knows nothing about tasks.

B rows, M scored tokens, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState
from trimtab.decoding.scoring import PIECE
from trimtab.training.criterion import Conditioned


@dataclass(frozen=True)
class Answered:
    """A row with an answer behind it.

    Attributes:
        prompt: index of the prompt it stands behind.
        ids: the row's token ids.
        answer: the answer's, its end included; all of them are scored.
        said: places in `ids` of tokens that are scored as well.
    """

    prompt: int
    ids: tuple[int, ...]
    answer: tuple[int, ...]
    said: tuple[int, ...] = ()

    def row(self, backbone: Backbone) -> Row:
        """The row as a pass runs it: with the answer as text, or for a decoder as a tree of one path."""
        return backbone.answer_row(self.ids, self.answer, self.prompt)


def answer_losses(
    given: Conditioned, rows: Sequence[Answered], smoothing: float, prefix: PrefixState | None = None
) -> torch.Tensor:
    """Cross entropy of each row [B] over the vocabulary, summed over the answer and what was said before.

    Args:
        given: what reads them.
        rows: the rows and their answers.
        smoothing: label smoothing (Szegedy et al. 2016) over the vocabulary.
        prefix: the prompts, where they were read before.
    """
    backbone = given.backbone
    layout = backbone.pack([row.row(backbone) for row in rows], given.longest)
    wanted: list[int] = []
    targets: list[int] = []
    owner: list[int] = []
    for at, (start, row) in enumerate(zip(layout.starts, rows, strict=True)):
        last = start + len(row.ids) - 1
        wanted.extend([*(start + place - 1 for place in row.said), *range(last, last + len(row.answer))])
        targets.extend([*(row.ids[place] for place in row.said), *row.answer])
        owner.extend([at] * (len(row.said) + len(row.answer)))
    device = backbone.device
    places = torch.tensor(wanted, device=device)
    prompts = given.prompts if prefix is None else prefix
    hidden = backbone.forward(layout, prompts, wanted=places, checkpointing=given.checkpointing)
    losses = token_losses(backbone, hidden, torch.tensor(targets, device=device), smoothing)
    return losses.new_zeros(len(rows)).index_add(0, torch.tensor(owner, device=device), losses)


def token_losses(
    backbone: Backbone, hidden_MD: torch.Tensor, targets_M: torch.Tensor, smoothing: float = 0.0
) -> torch.Tensor:
    """Cross entropy of each token [M] over the vocabulary, float32; scores never exist for all tokens at once.

    Where the output vectors are frozen, the gradient of the hidden states is made along with the loss, so that nothing
    is computed again; else the scores are made again in the backward pass.

    Args:
        backbone: what the hidden states are of.
        hidden_MD: final hidden states, ready for `Backbone.logits`.
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
    return torch.cat([checkpoint(losses, hidden, targets, use_reentrant=False) for hidden, targets in pieces])


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
