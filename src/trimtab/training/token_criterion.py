"""Free text: cross entropy over the vocabulary at each token of the answer. Knows nothing about tasks.

K runs, B rows of a pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Row
from trimtab.decoding.scoring import passes
from trimtab.training.criterion import Conditioned, batch_of
from trimtab.training.loop import DevScore
from trimtab.training.targets import TextTarget
from trimtab.training.token_loss import Answered, answer_losses


@dataclass(frozen=True)
class TokenCriterion:
    """Texts: the loss of a token, over the mean length of answers in train, or of all that an assistant says.

    Attributes:
        train, dev: the rows.
        smoothing: label smoothing (Szegedy et al. 2016) over the vocabulary.
    """

    train: Sequence[TextTarget]
    dev: Sequence[TextTarget]
    smoothing: float = 0.0

    def losses(self, given: Conditioned, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Cross entropy of each row [B] over its answer's tokens, over the mean number of those in train."""
        batch = [_answered(self.train[i], k) for k, i in batch_of(rows)]
        return answer_losses(given, batch, self.smoothing) / self._text_length

    @cached_property
    def _text_length(self) -> float:
        return float(np.mean([row.trained for row in self.train]))

    def evaluate(self, given: Conditioned) -> list[DevScore]:
        """The mean probability of a token (geometric: its inverse is the perplexity), and its mean loss."""
        state = given.backbone.read_prefix(given.prompts)
        total = [0.0] * len(given.prompts)
        for members in passes([len(row.ids) + len(row.text) for row in self.dev]):
            batch = [_answered(self.dev[i], k) for k in range(len(total)) for i in members]
            losses = answer_losses(given, batch, self.smoothing, state)
            for k, loss in enumerate(losses.view(len(total), -1).sum(-1).tolist()):
                total[k] += loss
        tokens = sum(row.trained for row in self.dev)
        return [DevScore(math.exp(-loss / tokens), loss / tokens) for loss in total]

    def as_run(self, backbone: Backbone) -> tuple[list[Row], list[Row]]:
        """Each row with its answer behind it."""
        dev, train = ([_answered(row).row(backbone) for row in rows] for rows in (self.dev, self.train))
        return dev, train


def _answered(row: TextTarget, prompt: int = 0) -> Answered:
    return Answered(prompt, row.ids, row.text, row.said)
