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
from trimtab.inference.scoring import Query, label_log_probabilities, label_scores
from trimtab.prompts.verbalizer import Verbalizer, Word
from trimtab.training.loop import DevScore

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
        smoothing: label smoothing (Szegedy et al. 2016), over labels or, for words of several tokens, the vocabulary.
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

        Words of one token: cross entropy over the labels. Words of several: over the vocabulary, at each token of the
        right label's first word.
        """
        prompts = [self.prefix(p, step, run) for run, p in zip(runs, parameters, strict=True)]
        batch = [(k, self.train[i]) for k, members in enumerate(rows) for i in members]
        words = [self.verbalizer.trained_word(example.label) for _, example in batch]
        single = self.verbalizer.single_token
        packed = [
            Row(example.ids if single else (*example.ids, *word.ids[:-1]), prompt=k)
            for (k, example), word in zip(batch, words, strict=True)
        ]
        layout = self.backbone.pack(packed, max((len(p) for p in prompts), default=0))
        device = self.backbone.device
        run_of_row = torch.tensor([k for k, _ in batch], device=device)
        counts = torch.tensor([len(members) for members in rows], device=device, dtype=torch.float32)
        prefix = prompts if any(len(p) for p in prompts) else None
        if single:
            hidden = self.backbone.forward(layout, prefix)
            only = torch.tensor([word.ids[0] for word in self.verbalizer.words], device=device)
            scores = label_scores(self.backbone.logits(hidden, only), self.verbalizer)
            targets = torch.tensor([example.label for _, example in batch], device=device)
            losses = F.cross_entropy(scores, targets, reduction="none", label_smoothing=self.smoothing)
        else:
            wanted, targets, row = self._answer_tokens(layout.starts, batch, words)
            logits = self.backbone.logits(self.backbone.forward(layout, prefix, wanted=wanted))
            token_losses = F.cross_entropy(logits, targets, reduction="none", label_smoothing=self.smoothing)
            losses = token_losses.new_zeros(len(batch)).index_add(0, row, token_losses)
        return losses.new_zeros(len(rows)).index_add(0, run_of_row, losses) / counts

    def _answer_tokens(
        self, starts: Sequence[int], batch: Sequence[tuple[int, Labelled]], words: Sequence[Word]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Packed tokens that predict the answers' tokens, those tokens, and the row of each."""
        wanted: list[int] = []
        targets: list[int] = []
        row: list[int] = []
        for at, (start, (_, example), word) in enumerate(zip(starts, batch, words, strict=True)):
            last = start + len(example.ids) - 1
            wanted.extend(range(last, last + len(word.ids)))
            targets.extend(word.ids)
            row.extend([at] * len(word.ids))
        device = self.backbone.device
        return (
            torch.tensor(wanted, device=device),
            torch.tensor(targets, device=device),
            torch.tensor(row, device=device),
        )

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
