"""Loss and dev score of prompts on labelled rows: what the loop is given. Knows nothing about files or reports.

K runs, B rows of one run, C labels, W words, P prompt length, D hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.layout import Row
from trimtab.inference.scoring import Query, label_log_probabilities, label_scores, word_scores
from trimtab.prompts.verbalizer import Verbalizer
from trimtab.training.loop import DevScore

# Label words of several tokens are scored in training up to this many inner nodes of their tree: more would cost more
# than the row itself.
TREE_NODES = 16

# (parameters of a run, step or None when judging, run) -> prefix embeddings [P, D]
Prefix = Callable[[torch.Tensor, int | None, int], torch.Tensor]


@dataclass(frozen=True)
class Labelled:
    """A row's token ids behind the prompt and the index of its label."""

    ids: tuple[int, ...]
    label: int


@dataclass(frozen=True)
class Objective:
    """Loss and dev score for one task.

    Attributes:
        backbone: the frozen model.
        verbalizer: labels and words.
        train, dev: encoded rows.
        prefix: makes the prefix of a run from its parameters.
        smoothing: label smoothing (Szegedy et al. 2016), over labels or, where the tree is large, the vocabulary.
    """

    backbone: CausalBackbone
    verbalizer: Verbalizer
    train: Sequence[Labelled]
    dev: Sequence[Labelled]
    prefix: Prefix
    smoothing: float = 0.0

    def loss(
        self, runs: Sequence[int], parameters: Sequence[torch.Tensor], rows: Sequence[Sequence[int]], step: int
    ) -> torch.Tensor:
        """Mean loss of each run [K], every prompt read once, all rows in one pass.

        Cross entropy over the labels' scores. Where the words have several tokens and their tree is large, that would
        cost many nodes a row: then cross entropy over the vocabulary, at each token of the right label's first word.
        """
        prompts = [self.prefix(p, step, run) for run, p in zip(runs, parameters, strict=True)]
        prefix = prompts if any(len(p) for p in prompts) else None
        batch = [(k, self.train[i]) for k, members in enumerate(rows) for i in members]
        longest = max((len(p) for p in prompts), default=0)
        device = self.backbone.device
        if len(self.verbalizer.node_ids) <= TREE_NODES:
            losses = self._label_losses(batch, prefix, longest)
        else:
            losses = self._answer_losses(batch, prefix, longest)
        run_of_row = torch.tensor([k for k, _ in batch], device=device)
        counts = torch.tensor([len(members) for members in rows], device=device, dtype=torch.float32)
        return losses.new_zeros(len(rows)).index_add(0, run_of_row, losses) / counts

    def _label_losses(
        self, batch: Sequence[tuple[int, Labelled]], prefix: Sequence[torch.Tensor] | None, longest: int
    ) -> torch.Tensor:
        """Cross entropy of each row [B] over its labels' scores."""
        tree = self.verbalizer
        layout = self.backbone.pack(
            [Row((*example.ids, *tree.node_ids), prompt=k, parents=tree.parents) for k, example in batch], longest
        )
        roots = layout.last_text_B[:, None] + torch.arange(1 + len(tree.node_ids), device=self.backbone.device)
        hidden = self.backbone.forward(layout, prefix, wanted=roots.flatten())
        scores = label_scores(word_scores(self.backbone, hidden, tree), tree)
        targets = torch.tensor([example.label for _, example in batch], device=self.backbone.device)
        return F.cross_entropy(scores, targets, reduction="none", label_smoothing=self.smoothing)

    def _answer_losses(
        self, batch: Sequence[tuple[int, Labelled]], prefix: Sequence[torch.Tensor] | None, longest: int
    ) -> torch.Tensor:
        """Cross entropy of each row [B] over the vocabulary, summed over the tokens of the right label's first word."""
        words = [self.verbalizer.trained_word(example.label) for _, example in batch]
        rows = [Row((*e.ids, *word.ids[:-1]), prompt=k) for (k, e), word in zip(batch, words, strict=True)]
        layout = self.backbone.pack(rows, longest)
        wanted: list[int] = []
        targets: list[int] = []
        owner: list[int] = []
        for at, (start, (_, example), word) in enumerate(zip(layout.starts, batch, words, strict=True)):
            last = start + len(example.ids) - 1
            wanted.extend(range(last, last + len(word.ids)))
            targets.extend(word.ids)
            owner.extend([at] * len(word.ids))
        device = self.backbone.device
        logits = self.backbone.logits(self.backbone.forward(layout, prefix, wanted=torch.tensor(wanted, device=device)))
        losses = F.cross_entropy(
            logits, torch.tensor(targets, device=device), reduction="none", label_smoothing=self.smoothing
        )
        return losses.new_zeros(len(batch)).index_add(0, torch.tensor(owner, device=device), losses)

    def evaluate(self, runs: Sequence[int], parameters: Sequence[torch.Tensor]) -> list[DevScore]:
        """Accuracy and mean loss of each run on dev, all runs in one batch."""
        with torch.no_grad():
            prompts = [self.prefix(p, None, run) for run, p in zip(runs, parameters, strict=True)]
            state = self.backbone.read_prefix(prompts) if any(len(p) for p in prompts) else None
        queries = [Query(example.ids, k, self.verbalizer) for k in range(len(runs)) for example in self.dev]
        right, loss = [0] * len(runs), [0.0] * len(runs)
        for at, scores in label_log_probabilities(self.backbone, queries, state):
            k, i = divmod(at, len(self.dev))
            label = self.dev[i].label
            right[k] += int(scores.argmax()) == label
            loss[k] -= float(scores[label])
        n = len(self.dev)
        return [DevScore(r / n, total / n) for r, total in zip(right, loss, strict=True)]
