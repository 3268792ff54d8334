"""Loss and dev score of prompts on labelled rows: what the loop is given. Knows nothing about files or reports.

K runs, B rows of a pass, C labels, W words, or hidden states that a head reads, D hidden.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch.nn import functional as F

from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.kept import Budget
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState, Prompt
from trimtab.decoding.scoring import Query, label_log_probabilities, label_scores, own_scores, passes, word_scores
from trimtab.inference.words import TREE_NODES
from trimtab.methods.method import Condition
from trimtab.prompts.verbalizer import Verbalizer
from trimtab.training.dev_scores import scores_of_labels, scores_of_numbers, scores_of_tags
from trimtab.training.kept_rows import States, kept_rows, read_states, states_read
from trimtab.training.labelled import Labelled
from trimtab.training.loop import DevScore, Parameters
from trimtab.training.token_loss import token_losses

# (parameters of a run, step or None when judging, run) -> how they condition the backbone
Conditions = Callable[[Parameters, int | None, int], Condition]


@dataclass(frozen=True)
class Objective:
    """Loss and dev score for one task.

    Attributes:
        backbone: the frozen model.
        verbalizer: labels and words; not read where rows have their own options, or numbers.
        train, dev: encoded rows.
        condition: how a run's parameters condition the backbone.
        prompt: what is read before a row under a condition.
        alone: whether runs change the backbone itself, so that each needs passes of its own.
        checkpointing: see `CausalBackbone.forward`.
        smoothing: label smoothing (Szegedy et al. 2016), over labels, or where the tree is large or answers are free
            text, the vocabulary.
        huber: whether numbers are trained with Huber's loss; else with the squared error.
        plain: whether tags stand each for itself; else they mark entities.
        cache_bytes: where a head alone is trained, so that rows' hidden states stay as they are: what is kept of them
            in memory. 0 runs the backbone at every step, as where anything else is trained.
        order: indices of train in the order in which they are first trained on, where anything is kept of them.
    """

    backbone: CausalBackbone
    verbalizer: Verbalizer
    train: Sequence[Labelled]
    dev: Sequence[Labelled]
    condition: Conditions
    prompt: Callable[[Condition], Prompt]
    smoothing: float = 0.0
    alone: bool = False
    checkpointing: bool = False
    huber: bool = False
    plain: bool = False
    cache_bytes: int = 0
    order: Sequence[int] = ()

    def loss(
        self, runs: Sequence[int], parameters: Sequence[Parameters], rows: Sequence[Sequence[int]], step: int
    ) -> torch.Tensor:
        """Mean loss of each run [K]; all in one pass, every prompt read once, unless the runs change the backbone.

        Cross entropy over the labels' scores, or those of the row's own options; for numbers the squared or Huber's
        loss; for tags cross entropy over the tags, the mean of each row's tokens, so that a row counts alike in any
        batch, as does each window on a long one. Where the words of labels have several tokens and their tree is large,
        that would cost many nodes a row: then cross entropy at each token of the right label's first word, over the
        vocabulary, or over the branches there, which comes to the same as over the labels where each has one word. For
        free text cross entropy over the vocabulary at each token of the answer, over the mean length of answers in
        train: the loss of a token.
        """
        if len(runs) > 1 and self.alone:
            each = zip(runs, parameters, rows, strict=True)
            return torch.cat([self.loss([run], [own], [members], step) for run, own, members in each])
        conditions = [self.condition(own, step, run) for run, own in zip(runs, parameters, strict=True)]
        with conditions[0].on(self.backbone) as backbone:  # where conditions change the backbone, there is only one
            return self._losses(backbone, conditions, rows)

    def _losses(
        self, backbone: CausalBackbone, conditions: Sequence[Condition], rows: Sequence[Sequence[int]]
    ) -> torch.Tensor:
        """Mean loss of each run [K] of one pass."""
        prompts = [self.prompt(condition) for condition in conditions]
        batch = [(k, self.train[i]) for k, members in enumerate(rows) for i in members]
        if batch[0][1].text:
            losses = self._answer_losses(backbone, batch, prompts, [e.text for _, e in batch]) / self._text_length
        elif batch[0][1].options is not None:
            losses = self._option_losses(backbone, batch, prompts)
        elif any(condition.head for condition in conditions):
            if self.cache_bytes:
                hidden_WD = torch.cat(self._kept[0]([i for members in rows for i in members]))
            else:
                own = [example.row(k) for k, example in batch]
                hidden_WD = read_states(backbone, own, prompts, checkpointing=self.checkpointing)
            losses = self._head_losses(hidden_WD, batch, conditions)
        elif len(self.verbalizer.node_ids) <= TREE_NODES:
            losses = self._label_losses(backbone, batch, prompts)
        elif self.verbalizer.branches:
            losses = self._branch_losses(backbone, batch, prompts)
        else:
            words = [self.verbalizer.trained_word(example.label).ids for _, example in batch]
            losses = self._answer_losses(backbone, batch, prompts, words)
        run_of_row = torch.tensor([k for k, _ in batch], device=backbone.device)
        counts = torch.tensor([len(members) for members in rows], device=backbone.device, dtype=torch.float32)
        return losses.new_zeros(len(rows)).index_add(0, run_of_row, losses) / counts

    @cached_property
    def _kept(self) -> tuple[States, States]:
        """Hidden states of train and of dev that a head reads; dev's, which every evaluation reads, are kept first."""
        with torch.no_grad():
            state = self.backbone.read_prefix([self.prompt(Condition())])
        budget = Budget(self.cache_bytes)
        dev, train = [example.row() for example in self.dev], [example.row() for example in self.train]
        of_dev = kept_rows(self.backbone, dev, state, None, budget)
        return kept_rows(self.backbone, train, state, self.order, budget), of_dev

    def groups(self) -> Iterator[list[Row]]:
        """Rows as they are run, dev's and then train's as they are first trained on: for a view that keeps some."""
        dev = [self._answered(0, e, e.text) if e.text else self._tree_row(0, e) for e in self.dev]
        train = [self._trained_row(example) for example in self.train]
        for rows, order in ((dev, None), (train, self.order)):
            for group in passes([len(row.ids) for row in rows], order):
                yield [rows[i] for i in group]

    def _trained_row(self, example: Labelled) -> Row:
        """A row as the loss runs it without a head, behind the first prompt."""
        if example.text:
            return self._answered(0, example, example.text)
        if example.options is not None or len(self.verbalizer.node_ids) <= TREE_NODES:
            return self._tree_row(0, example)
        return self._answered(0, example, self.verbalizer.trained_word(example.label).ids)

    def _tree_row(self, prompt: int, example: Labelled) -> Row:
        """A row with the tree of all words behind it, or of its own options."""
        tree = example.options or self.verbalizer
        return Row((*example.ids, *tree.node_ids), prompt, tree.parents, example.answer)

    def _head_losses(
        self, hidden_WD: torch.Tensor, batch: Sequence[tuple[int, Labelled]], conditions: Sequence[Condition]
    ) -> torch.Tensor:
        """Loss of each row [B] by its run's head: cross entropy over labels, mean over tags, or a number's error."""
        device, first = hidden_WD.device, batch[0][1]
        counts = [states_read(example.row()) for _, example in batch]
        heads = [condition.head for condition in conditions if condition.head]
        of_run = [sum(n for (own, _), n in zip(batch, counts, strict=True) if own == k) for k in range(len(heads))]
        parts = zip(torch.split(hidden_WD, of_run), heads, strict=True)
        scores_WC = torch.cat([F.linear(own_WD, *head) for own_WD, head in parts])
        if first.number is not None:
            wanted = torch.tensor([example.number for _, example in batch], device=device)
            far = F.huber_loss if self.huber else F.mse_loss
            return far(scores_WC[:, 0], wanted, reduction="none")
        if first.read_at is None:
            targets = torch.tensor([example.label for _, example in batch], device=device)
            return F.cross_entropy(scores_WC, targets, reduction="none", label_smoothing=self.smoothing)
        index = {tag: i for i, tag in enumerate(self.verbalizer.labels)}
        tags = [index[tag] for _, example in batch for tag in example.tags]
        targets = torch.tensor(tags, device=device)
        losses_W = F.cross_entropy(scores_WC, targets, reduction="none", label_smoothing=self.smoothing)
        return torch.stack([losses.mean() for losses in torch.split(losses_W, counts)])

    def _label_losses(
        self, backbone: CausalBackbone, batch: Sequence[tuple[int, Labelled]], prompts: Sequence[Prompt]
    ) -> torch.Tensor:
        """Cross entropy of each row [B] over its labels' scores."""
        tree, longest = self.verbalizer, max(prompt.length for prompt in prompts)
        layout = backbone.pack([self._tree_row(k, example) for k, example in batch], longest)
        roots = layout.answers_B[:, None] + torch.arange(1 + len(tree.node_ids), device=backbone.device)
        hidden = backbone.forward(layout, prompts, wanted=roots.flatten(), checkpointing=self.checkpointing)
        scores = label_scores(word_scores(backbone, hidden, tree), tree)
        targets = torch.tensor([example.label for _, example in batch], device=backbone.device)
        return F.cross_entropy(scores, targets, reduction="none", label_smoothing=self.smoothing)

    def _option_losses(
        self, backbone: CausalBackbone, batch: Sequence[tuple[int, Labelled]], prompts: Sequence[Prompt]
    ) -> torch.Tensor:
        """Cross entropy of each row [B] over the scores of its own options."""
        trees = [example.options for _, example in batch if example.options is not None]
        rows = [self._tree_row(k, example) for k, example in batch]
        layout = backbone.pack(rows, max(prompt.length for prompt in prompts))
        spans = [
            range(root, root + 1 + len(tree.node_ids))
            for root, tree in zip(layout.answers_B.tolist(), trees, strict=True)
        ]
        wanted = torch.tensor([i for span in spans for i in span], device=backbone.device)
        hidden = backbone.forward(layout, prompts, wanted=wanted, checkpointing=self.checkpointing)
        losses = [
            F.cross_entropy(scores, torch.tensor(e.label, device=scores.device), label_smoothing=self.smoothing)
            for scores, (_, e) in zip(own_scores(backbone, hidden, trees), batch, strict=True)
        ]
        return torch.stack(losses)

    def _answer_losses(
        self,
        backbone: CausalBackbone,
        batch: Sequence[tuple[int, Labelled]],
        prefix: Sequence[Prompt] | PrefixState,
        answers: Sequence[tuple[int, ...]],
    ) -> torch.Tensor:
        """Cross entropy of each row [B] over the vocabulary, summed over the answer and what was said before."""
        rows = [self._answered(k, example, answer) for (k, example), answer in zip(batch, answers, strict=True)]
        lengths = prefix.lengths if isinstance(prefix, PrefixState) else [prompt.length for prompt in prefix]
        layout = backbone.pack(rows, max(lengths))
        wanted: list[int] = []
        targets: list[int] = []
        owner: list[int] = []
        for at, (start, (_, example), answer) in enumerate(zip(layout.starts, batch, answers, strict=True)):
            last = start + len(example.ids) - 1
            wanted.extend([*(start + place - 1 for place in example.said), *range(last, last + len(answer))])
            targets.extend([*(example.ids[place] for place in example.said), *answer])
            owner.extend([at] * (len(example.said) + len(answer)))
        device = backbone.device
        places = torch.tensor(wanted, device=device)
        hidden = backbone.forward(layout, prefix, wanted=places, checkpointing=self.checkpointing)
        losses = token_losses(backbone, hidden, torch.tensor(targets, device=device), self.smoothing)
        return losses.new_zeros(len(batch)).index_add(0, torch.tensor(owner, device=device), losses)

    def _branch_losses(
        self, backbone: CausalBackbone, batch: Sequence[tuple[int, Labelled]], prompts: Sequence[Prompt]
    ) -> torch.Tensor:
        """Cross entropy of each row [B] over the branches, summed over the tokens of the right label's first word."""
        words = [self.verbalizer.trained_word(example.label) for _, example in batch]
        rows = [self._answered(k, example, word.ids) for (k, example), word in zip(batch, words, strict=True)]
        layout = backbone.pack(rows, max(prompt.length for prompt in prompts))
        tokens = sorted({token for several in self.verbalizer.choices.values() for token in several})
        place = {token: i for i, token in enumerate(tokens)}
        steps = [  # each choice there is: its owner, its place, what there is to choose from, what is right
            (at, start + len(example.ids) - 1 + depth, self.verbalizer.choices[node], token)
            for at, (start, (_, example), word) in enumerate(zip(layout.starts, batch, words, strict=True))
            for depth, (node, token) in enumerate(zip(word.nodes, word.ids, strict=True))
            if len(self.verbalizer.choices[node]) > 1
        ]
        device = backbone.device
        wanted = torch.tensor([at for _, at, _, _ in steps], device=device)
        hidden = backbone.forward(layout, prompts, wanted=wanted, checkpointing=self.checkpointing)
        logits = backbone.logits(hidden, torch.tensor(tokens, device=device))
        allowed = torch.zeros(logits.shape, dtype=torch.bool)
        for row, (_, _, choices, _) in zip(allowed, steps, strict=True):
            row[[place[token] for token in choices]] = True
        allowed = allowed.to(device)
        found = torch.log_softmax(logits.masked_fill(~allowed, float("-inf")), -1)
        right = found.gather(-1, torch.tensor([[place[token]] for *_, token in steps], device=device))[:, 0]
        spread = found.masked_fill(~allowed, 0.0).sum(-1) / allowed.sum(-1)
        losses = -(1 - self.smoothing) * right - self.smoothing * spread
        owners = torch.tensor([owner for owner, *_ in steps], device=device)
        return losses.new_zeros(len(batch)).index_add(0, owners, losses)

    def _answered(self, prompt: int, example: Labelled, answer: tuple[int, ...]) -> Row:
        """A row with an answer behind it as text, or for a decoder as a tree of one path."""
        parents = tuple(range(-1, len(answer) - 2)) if self.backbone.encoder_decoder else ()
        return Row((*example.ids, *answer[:-1]), prompt, parents)

    @cached_property
    def _text_length(self) -> float:
        """Mean tokens of an answer in train, or of all that the assistant says in a dialogue."""
        return float(np.mean([example.trained for example in self.train]))

    def evaluate(self, runs: Sequence[int], parameters: Sequence[Parameters]) -> list[DevScore]:
        """Accuracy and mean loss of each run on dev, all in one batch unless the runs change the backbone.

        Of numbers: the share of their variance on dev that is explained (R squared), and the mean squared error. Of
        free text: the mean probability of a token (geometric: its inverse is the perplexity), and its mean loss. Of
        tags: F1 of the entities, or of plain tags the share of tokens that is right, and the mean loss a token.
        """
        if len(runs) > 1 and self.alone:
            return [self.evaluate([run], [own])[0] for run, own in zip(runs, parameters, strict=True)]
        with torch.no_grad():
            conditions = [self.condition(own, None, run) for run, own in zip(runs, parameters, strict=True)]
            with conditions[0].on(self.backbone) as backbone:
                return (self._read if self.dev[0].text else self._judged)(backbone, conditions)

    def _read(self, backbone: CausalBackbone, conditions: Sequence[Condition]) -> list[DevScore]:
        """Scores of each run on answers in free text."""
        state = backbone.read_prefix([self.prompt(condition) for condition in conditions])
        total = [0.0] * len(conditions)
        for members in passes([len(example.ids) + len(example.text) for example in self.dev]):
            batch = [(k, self.dev[i]) for k in range(len(conditions)) for i in members]
            losses = self._answer_losses(backbone, batch, state, [example.text for _, example in batch])
            for k, loss in enumerate(losses.view(len(conditions), -1).sum(-1).tolist()):
                total[k] += loss
        tokens = sum(example.trained for example in self.dev)
        return [DevScore(math.exp(-loss / tokens), loss / tokens) for loss in total]

    def _answers(self, backbone: CausalBackbone, conditions: Sequence[Condition]) -> Iterator[tuple[int, torch.Tensor]]:
        """What each run answers to dev, the first's rows first (see `label_log_probabilities`)."""
        state = backbone.read_prefix([self.prompt(condition) for condition in conditions])
        queries = [
            Query(
                example.ids,
                k,
                example.options or self.verbalizer,
                condition.head,
                condition.calibration,
                answer=example.answer,
                own=example.options is not None,
                number=example.number is not None,
                read_at=example.read_at,
            )
            for k, condition in enumerate(conditions)
            for example in self.dev
        ]
        return label_log_probabilities(backbone, queries, state)

    def _kept_answers(self, conditions: Sequence[Condition]) -> Iterator[tuple[int, torch.Tensor]]:
        """The same from the hidden states that are kept."""
        for members in passes([len(example.ids) for example in self.dev]):
            states = self._kept[1](members)
            for k, head in enumerate(condition.head for condition in conditions if condition.head):
                scores_WC = F.linear(torch.cat(states), *head)
                found_WC = scores_WC if self.dev[0].number is not None else torch.log_softmax(scores_WC, -1)
                for i, own_wC in zip(members, torch.split(found_WC, [len(x) for x in states]), strict=True):
                    yield k * len(self.dev) + i, own_wC if self.dev[i].read_at is not None else own_wC[0]

    def _judged(self, backbone: CausalBackbone, conditions: Sequence[Condition]) -> list[DevScore]:
        """Scores of each run on answers that are not free text."""
        answers = self._kept_answers(conditions) if self.cache_bytes else self._answers(backbone, conditions)
        first, runs = self.dev[0], len(conditions)
        if first.read_at is not None:
            return scores_of_tags(self.dev, runs, answers, self.verbalizer.labels, self.plain)
        return (scores_of_labels if first.number is None else scores_of_numbers)(self.dev, runs, answers)
