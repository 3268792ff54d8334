"""Labels by their words: cross entropy over the labels' scores, or of the right words' tokens. Knows no tasks.

K runs, B rows of a pass, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Row
from trimtab.decoding.readers import WordReader
from trimtab.decoding.scoring import Query, label_scores, read_scores, word_scores
from trimtab.prompts.verbalizer import Verbalizer
from trimtab.training.class_weights import ByLabel
from trimtab.training.criterion import Conditioned, batch_of
from trimtab.training.dev_scores import Judge, scores_of_labels, share_right
from trimtab.training.loop import DevScore
from trimtab.training.targets import LabelTarget
from trimtab.training.token_loss import Answered, answer_losses


@dataclass(frozen=True)
class WordCriterion:
    """Labels, scored by their words.

    Where words have several tokens and their tree is large, to score all labels would cost many nodes a row: then what
    is trained is each token of the right label's first word, over the vocabulary, or over the branches there, which
    comes to the same as over the labels where each has one word.

    Attributes:
        verbalizer: the labels and their words.
        train, dev: the rows.
        smoothing: label smoothing (Szegedy et al. 2016), over labels, or where the tree is large the vocabulary.
        weights: what the loss of a row with each label is multiplied by; None where all rows count alike.
        judge: what runs are chosen by on dev.
    """

    verbalizer: Verbalizer
    train: Sequence[LabelTarget]
    dev: Sequence[LabelTarget]
    smoothing: float = 0.0
    weights: ByLabel | None = None
    judge: Judge = share_right

    def losses(self, given: Conditioned, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Loss of each row [B]."""
        batch = [(k, self.train[i]) for k, i in batch_of(rows)]
        losses_B = self._losses(given, batch)
        if self.weights is None:
            return losses_B
        return losses_B * torch.tensor([self.weights[row.label] for _, row in batch], device=losses_B.device)

    def _losses(self, given: Conditioned, batch: Sequence[tuple[int, LabelTarget]]) -> torch.Tensor:
        """The same, each row counting alike."""
        if not self.verbalizer.large:
            return self._label_losses(given, batch)
        if self.verbalizer.branches:
            return self._branch_losses(given, batch)
        return answer_losses(given, [self._answered(row, k) for k, row in batch], self.smoothing)

    def _label_losses(self, given: Conditioned, batch: Sequence[tuple[int, LabelTarget]]) -> torch.Tensor:
        """Cross entropy of each row [B] over its labels' scores."""
        tree, backbone = self.verbalizer, given.backbone
        layout = backbone.pack([self._with_tree(row, k) for k, row in batch], given.longest)
        roots = layout.answers_B[:, None] + torch.arange(1 + len(tree.node_ids), device=backbone.device)
        hidden = backbone.forward(layout, given.prompts, wanted=roots.flatten(), checkpointing=given.checkpointing)
        scores = label_scores(word_scores(backbone, hidden, tree), tree)
        targets = torch.tensor([row.label for _, row in batch], device=backbone.device)
        return F.cross_entropy(scores, targets, reduction="none", label_smoothing=self.smoothing)

    def _branch_losses(self, given: Conditioned, batch: Sequence[tuple[int, LabelTarget]]) -> torch.Tensor:
        """Cross entropy of each row [B] over the branches, summed over the tokens of the right label's first word."""
        backbone = given.backbone
        words = [self.verbalizer.trained_word(row.label) for _, row in batch]
        rows = [self._answered(row, k).row(backbone) for k, row in batch]
        layout = backbone.pack(rows, given.longest)
        tokens = sorted({token for several in self.verbalizer.choices.values() for token in several})
        place = {token: i for i, token in enumerate(tokens)}
        steps = [  # each choice there is: its owner, its place, what there is to choose from, what is right
            (at, start + len(row.ids) - 1 + depth, self.verbalizer.choices[node], token)
            for at, (start, (_, row), word) in enumerate(zip(layout.starts, batch, words, strict=True))
            for depth, (node, token) in enumerate(zip(word.nodes, word.ids, strict=True))
            if len(self.verbalizer.choices[node]) > 1
        ]
        device = backbone.device
        wanted = torch.tensor([at for _, at, _, _ in steps], device=device)
        hidden = backbone.forward(layout, given.prompts, wanted=wanted, checkpointing=given.checkpointing)
        logits = backbone.logits(hidden, torch.tensor(tokens, device=device))
        allowed = torch.zeros(logits.shape, dtype=torch.bool)
        for own, (_, _, choices, _) in zip(allowed, steps, strict=True):
            own[[place[token] for token in choices]] = True
        allowed = allowed.to(device)
        found = torch.log_softmax(logits.masked_fill(~allowed, float("-inf")), -1)
        right = found.gather(-1, torch.tensor([[place[token]] for *_, token in steps], device=device))[:, 0]
        spread = found.masked_fill(~allowed, 0.0).sum(-1) / allowed.sum(-1)
        losses = -(1 - self.smoothing) * right - self.smoothing * spread
        owners = torch.tensor([owner for owner, *_ in steps], device=device)
        return losses.new_zeros(len(batch)).index_add(0, owners, losses)

    def evaluate(self, given: Conditioned) -> list[DevScore]:
        """What runs are chosen by, and mean loss, over the labels."""
        reader = WordReader(self.verbalizer)
        queries = [
            Query(row.ids, k, reader, condition.calibration, row.answer)
            for k, condition in enumerate(given.conditions)
            for row in self.dev
        ]
        answers = read_scores(given.backbone, queries, given.backbone.read_prefix(given.prompts))
        return scores_of_labels([row.label for row in self.dev], len(given.prompts), answers, self.judge)

    def as_run(self, backbone: Backbone) -> tuple[list[Row], list[Row]]:
        """Rows of dev with the tree of all words behind them, rows of train with what is trained."""
        train = [
            self._answered(row).row(backbone) if self.verbalizer.large else self._with_tree(row) for row in self.train
        ]
        return [self._with_tree(row) for row in self.dev], train

    def _with_tree(self, row: LabelTarget, prompt: int = 0) -> Row:
        return Row((*row.ids, *self.verbalizer.node_ids), prompt, self.verbalizer.parents, row.answer)

    def _answered(self, row: LabelTarget, prompt: int = 0) -> Answered:
        """A row with the right label's first word behind it."""
        return Answered(prompt, row.ids, self.verbalizer.trained_word(row.label).ids)
