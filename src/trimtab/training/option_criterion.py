"""Choices: cross entropy over the scores of each row's own options. Knows nothing about tasks.

K runs, B rows of a pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Row
from trimtab.decoding.readers import OptionReader
from trimtab.decoding.scoring import Query, own_scores, read_scores
from trimtab.training.criterion import Conditioned, batch_of
from trimtab.training.dev_scores import scores_of_labels
from trimtab.training.loop import DevScore
from trimtab.training.targets import OptionTarget


@dataclass(frozen=True)
class OptionCriterion:
    """The right one of each row's own options.

    Attributes:
        train, dev: the rows.
        smoothing: label smoothing (Szegedy et al. 2016) over a row's options.
    """

    train: Sequence[OptionTarget]
    dev: Sequence[OptionTarget]
    smoothing: float = 0.0

    def losses(self, given: Conditioned, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Cross entropy of each row [B] over its own options."""
        backbone = given.backbone
        batch = [(k, self.train[i]) for k, i in batch_of(rows)]
        trees = [row.options for _, row in batch]
        layout = backbone.pack([_with_tree(row, k) for k, row in batch], given.longest)
        spans = [
            range(root, root + 1 + len(tree.node_ids))
            for root, tree in zip(layout.answers_B.tolist(), trees, strict=True)
        ]
        wanted = torch.tensor([i for span in spans for i in span], device=backbone.device)
        hidden = backbone.forward(layout, given.prompts, wanted=wanted, checkpointing=given.checkpointing)
        losses = [
            F.cross_entropy(scores, torch.tensor(row.label, device=scores.device), label_smoothing=self.smoothing)
            for scores, (_, row) in zip(own_scores(backbone, hidden, trees), batch, strict=True)
        ]
        return torch.stack(losses)

    def evaluate(self, given: Conditioned) -> list[DevScore]:
        """Accuracy and mean loss."""
        queries = [
            Query(row.ids, k, OptionReader(row.options), condition.calibration, row.answer)
            for k, condition in enumerate(given.conditions)
            for row in self.dev
        ]
        answers = read_scores(given.backbone, queries, given.backbone.read_prefix(given.prompts))
        return scores_of_labels([row.label for row in self.dev], len(given.prompts), answers)

    def as_run(self, backbone: Backbone) -> tuple[list[Row], list[Row]]:
        """Each row with its options' tree behind it."""
        return [_with_tree(row) for row in self.dev], [_with_tree(row) for row in self.train]


def _with_tree(row: OptionTarget, prompt: int = 0) -> Row:
    return Row((*row.ids, *row.options.node_ids), prompt, row.options.parents, row.answer)
