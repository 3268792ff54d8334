"""What a trained head says: labels, one or several, a number, tags of tokens, where an answer stands. Knows no tasks.

K runs, B rows of a pass, W hidden states that a head reads of them, C outputs of a head, D hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch.nn import functional as F

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Row
from trimtab.decoding.readers import Head, HeadReader, MultiLabelReader, NumberReader, SpanReader, TokenReader
from trimtab.decoding.scoring import Query, passes, read_scores
from trimtab.training.class_weights import ByAnswer, ByLabel
from trimtab.training.criterion import Conditioned, batch_of
from trimtab.training.dev_scores import (
    Judge,
    SetJudge,
    micro_f1,
    scores_of_label_sets,
    scores_of_labels,
    scores_of_numbers,
    scores_of_spans,
    scores_of_tags,
    share_right,
)
from trimtab.training.fitting import place_regression, ridge_regression, softmax_regression
from trimtab.training.fitting.softmax_regression import Rows
from trimtab.training.kept_rows import KeptStates, read_states, states_read
from trimtab.training.loop import DevScore
from trimtab.training.targets import LabelTarget, MultiLabelTarget, NumberTarget, SpanTarget, TagTarget, Target


class Read(Target, Protocol):
    """A row that a head reads."""

    def read(self, prompt: int = 0) -> Row:
        """The row as the head reads it, behind this prompt."""
        ...


R = TypeVar("R", bound=Read)
R_contra = TypeVar("R_contra", bound=Read, contravariant=True)


@dataclass(frozen=True)
class Fitted:
    """A fitted head, and its mean loss on the rows it was fitted to."""

    head: Head
    loss: float


class Outputs(Protocol[R_contra]):
    """What a head's outputs are held against."""

    def reader(self, head: Head) -> HeadReader:
        """What reads a head's outputs of rows."""
        ...

    def losses(self, scores_WC: torch.Tensor, rows: Sequence[R_contra]) -> torch.Tensor:
        """Loss of each row [B]."""
        ...

    def scores(self, dev: Sequence[R_contra], runs: int, answers: Iterable[tuple[int, torch.Tensor]]) -> list[DevScore]:
        """Dev score of each run, from pairs of (row counted through all runs, what the head says of it)."""
        ...

    def fitted(self, states: Sequence[torch.Tensor], rows: Sequence[R_contra], start: Head) -> Fitted:
        """The head that is best on these rows.

        Args:
            states: hidden states [w, D] of each.
            rows: the rows.
            start: the head before: zero, or one that knows something already, which the fit may draw to.
        """
        ...


@dataclass(frozen=True)
class LabelOutputs:
    """A score a label: cross entropy over them.

    Attributes:
        smoothing: label smoothing (Szegedy et al. 2016).
        weights: what the loss of a row with each label is multiplied by; None where all rows count alike.
        judge: what runs are chosen by on dev.
    """

    smoothing: float = 0.0
    weights: ByLabel | None = None
    judge: Judge = share_right

    def reader(self, head: Head) -> HeadReader:
        """Log-probabilities of labels."""
        return HeadReader(head)

    def losses(self, scores_WC: torch.Tensor, rows: Sequence[LabelTarget]) -> torch.Tensor:
        """Cross entropy of each row [B]."""
        targets = torch.tensor([row.label for row in rows], device=scores_WC.device)
        losses_B = F.cross_entropy(scores_WC, targets, reduction="none", label_smoothing=self.smoothing)
        if self.weights is None:
            return losses_B
        return losses_B * torch.tensor([self.weights[row.label] for row in rows], device=losses_B.device)

    def scores(
        self, dev: Sequence[LabelTarget], runs: int, answers: Iterable[tuple[int, torch.Tensor]]
    ) -> list[DevScore]:
        """What runs are chosen by, and mean loss."""
        return scores_of_labels([row.label for row in dev], runs, answers, self.judge)

    def fitted(self, states: Sequence[torch.Tensor], rows: Sequence[LabelTarget], start: Head) -> Fitted:
        """By multinomial logistic regression, rows weighed by their labels."""
        own = [[row.label] for row in rows]
        return _by_classes(states, own, range(len(rows)), start, self.smoothing, self.weights)


@dataclass(frozen=True)
class MultiLabelOutputs:
    """A score a label, each yes or no by itself: the mean of their binary cross entropies.

    Attributes:
        thresholds: probability from which on each label is given; None for those that are best on dev.
        smoothing: label smoothing (Szegedy et al. 2016) over yes and no.
        weights: of each label, what the losses of no and of yes are multiplied by; None where all count alike.
        judge: what runs are chosen by on dev.
    """

    thresholds: tuple[float, ...] | None = None
    smoothing: float = 0.0
    weights: ByAnswer | None = None
    judge: SetJudge = micro_f1

    def reader(self, head: Head) -> MultiLabelReader:
        """Log-odds of labels."""
        return MultiLabelReader(head)

    def losses(self, scores_WC: torch.Tensor, rows: Sequence[MultiLabelTarget]) -> torch.Tensor:
        """Mean binary cross entropy of each row's labels [B]."""
        fits_WC = torch.tensor([row.fits for row in rows], device=scores_WC.device, dtype=scores_WC.dtype)
        wanted_WC = fits_WC * (1 - self.smoothing) + self.smoothing / 2
        weights_WC = None if self.weights is None else _weights(self.weights, fits_WC > 0)
        return F.binary_cross_entropy_with_logits(scores_WC, wanted_WC, weights_WC, reduction="none").mean(1)

    def scores(
        self, dev: Sequence[MultiLabelTarget], runs: int, answers: Iterable[tuple[int, torch.Tensor]]
    ) -> list[DevScore]:
        """What runs are chosen by, and the mean loss."""
        return scores_of_label_sets([row.fits for row in dev], runs, answers, self.thresholds, self.judge)

    def fitted(self, states: Sequence[torch.Tensor], rows: Sequence[MultiLabelTarget], start: Head) -> Fitted:
        """By a logistic regression a label, each with a penalty of its own."""
        features_ND = torch.cat(list(states))
        fits_NC = torch.tensor([row.fits for row in rows], device=features_ND.device)
        weights_NC = None if self.weights is None else _weights(self.weights, fits_NC)
        found = softmax_regression.fit_each(features_ND, fits_NC, self.smoothing, weights_NC)
        return Fitted((found.weight_CD, found.bias_C), found.loss)


@dataclass(frozen=True)
class NumberOutputs:
    """A standardised number: its squared error, or with `huber` Huber's loss (Huber 1964)."""

    huber: bool = False

    def reader(self, head: Head) -> NumberReader:
        """The number."""
        return NumberReader(head)

    def losses(self, scores_WC: torch.Tensor, rows: Sequence[NumberTarget]) -> torch.Tensor:
        """Error of each row [B]."""
        wanted = torch.tensor([row.number for row in rows], device=scores_WC.device)
        far = F.huber_loss if self.huber else F.mse_loss
        return far(scores_WC[:, 0], wanted, reduction="none")

    def scores(
        self, dev: Sequence[NumberTarget], runs: int, answers: Iterable[tuple[int, torch.Tensor]]
    ) -> list[DevScore]:
        """The share of their variance on dev that is explained (R squared), and the mean squared error."""
        return scores_of_numbers([row.number for row in dev], runs, answers)

    def fitted(self, states: Sequence[torch.Tensor], rows: Sequence[NumberTarget], start: Head) -> Fitted:
        """By ridge regression in closed form, or reweighted for Huber's loss."""
        features_ND = torch.cat(list(states))
        numbers_N = torch.tensor([row.number for row in rows], device=features_ND.device)
        found = ridge_regression.fit(features_ND, numbers_N, huber=self.huber)
        bias = torch.tensor([found.bias], device=features_ND.device)
        losses_N = self.losses(F.linear(features_ND, found.weight_D[None], bias), rows)
        return Fitted((found.weight_D[None], bias), float(losses_N.mean()))


@dataclass(frozen=True)
class TagOutputs:
    """A score a tag at each token: cross entropy, the mean of a row's tokens, so that a row counts alike in any batch.

    Attributes:
        names: the tags.
        plain: whether tags stand each for itself; else they mark entities.
        smoothing: label smoothing (Szegedy et al. 2016) over tags.
    """

    names: tuple[str, ...]
    plain: bool
    smoothing: float = 0.0

    def reader(self, head: Head) -> TokenReader:
        """Log-probabilities of tags."""
        return TokenReader(head)

    def losses(self, scores_WC: torch.Tensor, rows: Sequence[TagTarget]) -> torch.Tensor:
        """Mean cross entropy of each row's tokens [B]."""
        index = {tag: i for i, tag in enumerate(self.names)}
        targets = torch.tensor([index[tag] for row in rows for tag in row.tags], device=scores_WC.device)
        losses_W = F.cross_entropy(scores_WC, targets, reduction="none", label_smoothing=self.smoothing)
        return torch.stack([losses.mean() for losses in torch.split(losses_W, [len(row.tags) for row in rows])])

    def scores(
        self, dev: Sequence[TagTarget], runs: int, answers: Iterable[tuple[int, torch.Tensor]]
    ) -> list[DevScore]:
        """F1 of the entities, or of plain tags the share of tokens that is right, and the mean loss a token."""
        return scores_of_tags(dev, runs, answers, self.names, self.plain)

    def fitted(self, states: Sequence[torch.Tensor], rows: Sequence[TagTarget], start: Head) -> Fitted:
        """By multinomial logistic regression over tokens; windows on one record are left out together."""
        index = {tag: i for i, tag in enumerate(self.names)}
        record = list(accumulate(int(not row.goes_on) for row in rows))
        return _by_classes(states, [[index[tag] for tag in row.tags] for row in rows], record, start, self.smoothing)


@dataclass(frozen=True)
class SpanOutputs:
    """Scores of beginning and end at each place of a row: the mean of their two cross entropies (Devlin et al. 2019).

    Attributes:
        longest: most tokens of an answer.
        threshold: see `SpanAnswer.threshold`; None for the one that is best on dev.
        chinese: whether dev is scored by Chinese rules.
        smoothing: label smoothing (Szegedy et al. 2016) over a row's places.
    """

    longest: int
    threshold: float | None
    chinese: bool
    smoothing: float = 0.0

    def reader(self, head: Head) -> SpanReader:
        """Log-probabilities of beginnings and ends."""
        return SpanReader(head)

    def losses(self, scores_WC: torch.Tensor, rows: Sequence[SpanTarget]) -> torch.Tensor:
        """Mean cross entropy of each row's beginning and end [B]."""
        parts = torch.split(scores_WC, [len(row.read_at) for row in rows])
        ends = torch.tensor([[row.start, row.end] for row in rows], device=scores_WC.device)
        each = (
            F.cross_entropy(part.T, own, label_smoothing=self.smoothing) for part, own in zip(parts, ends, strict=True)
        )
        return torch.stack(list(each))

    def scores(
        self, dev: Sequence[SpanTarget], runs: int, answers: Iterable[tuple[int, torch.Tensor]]
    ) -> list[DevScore]:
        """Mean F1 of the answers, and the mean loss of a row."""
        return scores_of_spans(dev, runs, answers, self.longest, self.threshold, chinese=self.chinese)

    def fitted(self, states: Sequence[torch.Tensor], rows: Sequence[SpanTarget], start: Head) -> Fitted:
        """By two conditional logistic regressions over places, of beginnings and of ends."""
        groups = [i - 1 for i in accumulate(int(not row.goes_on) for row in rows)]
        places = place_regression.Places(states, [(row.start, row.end) for row in rows], groups, self.smoothing)
        found = place_regression.fit(places)
        return Fitted((found.weight_CD, torch.zeros_like(start[1])), found.loss)


def _weights(weights: ByAnswer, fits_NC: torch.Tensor) -> torch.Tensor:
    """The weight of each row and label [N, C], by whether the label fits the row."""
    no_C, yes_C = torch.tensor(weights, device=fits_NC.device).T
    return torch.where(fits_NC, yes_C, no_C)


def _by_classes(
    states: Sequence[torch.Tensor],
    classes: Sequence[Sequence[int]],
    groups: Sequence[int],
    start: Head,
    smoothing: float,
    weights: ByLabel | None = None,
) -> Fitted:
    """The regression on the classes [w] of each row's states; `groups` is a number a row.

    Every row counts alike, but for the weights of its classes.
    """
    features_WD = torch.cat(list(states))
    counts = [len(own) for own in classes]
    rows = Rows(
        features_WD,
        torch.tensor([one for own in classes for one in own], device=features_WD.device),
        torch.tensor(
            [(weights[one] if weights else 1.0) / len(own) for own in classes for one in own], device=features_WD.device
        ),
        np.repeat(np.asarray(groups), counts),
        len(start[1]),
        smoothing,
    )
    found = softmax_regression.fit(rows, prior=start if bool(start[0].any()) else None)
    return Fitted((found.weight_CD, found.bias_C), found.loss)


@dataclass(frozen=True)
class HeadCriterion(Generic[R]):
    """Answers that a head gives.

    Attributes:
        outputs: what its outputs are held against.
        train, dev: the rows.
        kept: their hidden states, where nothing that is trained changes them; else None, and the backbone reads them at
            every step.
    """

    outputs: Outputs[R]
    train: Sequence[R]
    dev: Sequence[R]
    kept: KeptStates | None = None

    def losses(self, given: Conditioned, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Loss of each row [B] by its run's head."""
        batch = batch_of(rows)
        own = [self.train[i].read(k) for k, i in batch]
        if self.kept:
            hidden_WD = torch.cat(self.kept.train([i for _, i in batch]))
        else:
            hidden_WD = read_states(given.backbone, own, given.prompts, checkpointing=given.checkpointing)
        counts = [states_read(row) for row in own]
        of_run = [sum(n for (run, _), n in zip(batch, counts, strict=True) if run == k) for k in range(len(rows))]
        parts = zip(torch.split(hidden_WD, of_run), _heads(given), strict=True)
        scores_WC = torch.cat([F.linear(own_WD, *head) for own_WD, head in parts])
        return self.outputs.losses(scores_WC, [self.train[i] for _, i in batch])

    def fitted(self, states: Sequence[torch.Tensor], start: Head) -> Fitted:
        """The head that is best on train, from the hidden states [w, D] of each row (see `Outputs.fitted`)."""
        return self.outputs.fitted(states, self.train, start)

    def evaluate(self, given: Conditioned) -> list[DevScore]:
        """Dev score of each run."""
        answers = self._kept_answers(self.kept, _heads(given)) if self.kept else self._answers(given)
        return self.outputs.scores(self.dev, len(given.conditions), answers)

    def _answers(self, given: Conditioned) -> Iterator[tuple[int, torch.Tensor]]:
        """What each run answers to dev, the first's rows first (see `read_scores`)."""
        queries = []
        for k, (head, condition) in enumerate(zip(_heads(given), given.conditions, strict=True)):
            reader = self.outputs.reader(head)
            for row in map(_read, self.dev):
                queries.append(Query(tuple(row.ids), k, reader, condition.calibration, row.answer, row.read_at))
        return read_scores(given.backbone, queries, given.backbone.read_prefix(given.prompts))

    def _kept_answers(self, kept: KeptStates, heads: Sequence[Head]) -> Iterator[tuple[int, torch.Tensor]]:
        """The same from the hidden states that are kept."""
        rows = [_read(row) for row in self.dev]
        for members in passes([len(row.ids) for row in rows]):
            states = kept.dev(members)
            for k, head in enumerate(heads):
                reader = self.outputs.reader(head)
                found_WC = F.linear(torch.cat(states), *head)
                for i, own_wC in zip(members, torch.split(found_WC, [len(x) for x in states]), strict=True):
                    scores = own_wC if rows[i].read_at is not None else own_wC[0]
                    yield k * len(self.dev) + i, reader.finished(scores)

    def as_run(self, backbone: Backbone) -> tuple[list[Row], list[Row]]:
        """Each row as the head reads it."""
        return [_read(row) for row in self.dev], [_read(row) for row in self.train]


def _read(row: Any) -> Row:
    own: Row = row.read()
    return own


def _heads(given: Conditioned) -> list[Head]:
    """The runs' heads."""
    return [condition.head for condition in given.conditions if condition.head]
