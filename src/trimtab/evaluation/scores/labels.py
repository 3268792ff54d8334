"""Scores of the probabilities of labels, or of options, against right answers. Knows nothing about backbones or files.

Shapes: N rows, C classes, W wrong rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.scores.calibration import CalibrationBin, calibration
from trimtab.evaluation.scores.classes import ClassScore, class_scores
from trimtab.evaluation.scores.gold import answer_ids, groups_among
from trimtab.evaluation.scores.label_intervals import label_intervals
from trimtab.evaluation.scores.selective import Answered, Selective, answered, selective
from trimtab.evaluation.text.shortening import shortened

Ints = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Mistake:
    """A row answered wrongly.

    Attributes:
        where: place of origin, e.g. `reviews.jsonl:12`.
        fields: template field -> text, long texts shortened.
        answer: the label in the data, or the right option.
        predicted: the label or option given.
        probability: probability of the predicted label.
        probability_of_answer: probability of the label in the data.
    """

    where: str
    fields: dict[str, str]
    answer: str
    predicted: str
    probability: float
    probability_of_answer: float


@dataclass(frozen=True)
class LabelScores:
    """How well probabilities fit the answers of N rows and C classes.

    Attributes:
        rows: N.
        accuracy: share of rows answered rightly.
        macro_precision, macro_recall, macro_f1: unweighted means over the classes that occur among the
            answers or the predictions (scikit-learn's convention, `zero_division=0`).
        per_class: one entry a label, in the order of the labels, those without support included.
        confusion: counts, C x C; a row is an answer, a column a prediction.
        calibration_error: expected calibration error (Guo et al. 2017, section 2, eq. 3), 15 equal-width bins.
        calibration_bins: the 15 bins from low to high confidence; an empty one is (0, 0, 0).
        log_loss: mean negative log probability of the answer, in nats.
        intervals: 95% intervals of `accuracy` (Wilson's, see `interval/shares`), and of `macro_f1` and
            `calibration_error` (percentile bootstrap, Efron 1979); rows of a group are drawn together.
            The calibration error of a resample is biased upwards where rows are few, so its interval is moved down by
            the bootstrap estimate of that bias (Efron & Tibshirani 1993, section 10.3), to 0 at most.
        mistakes: wrong rows, the most confident first.
        selective: what is right if only the surest rows are answered; None in reports of older versions.
        answered: what is left unanswered; None where all rows are answered.
    """

    rows: int
    accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    per_class: list[ClassScore]
    confusion: list[list[int]]
    calibration_error: float
    calibration_bins: list[CalibrationBin]
    log_loss: float
    intervals: dict[str, Interval]
    mistakes: list[Mistake]
    selective: Selective | None = None
    answered: Answered | None = None


def score_labels(
    examples: Sequence[Example], probabilities_NC: Floats, labels: Sequence[str], *, seed: int = 0, worst: int = 20,
    answer_from: float | None = None, wanted: float | None = None,
) -> LabelScores:  # fmt: skip
    """Score the probabilities of C labels against the answers of N examples.

    Args:
        examples: N labelled examples.
        probabilities_NC: a row an example, a column a label; rows sum to one.
        labels: the C labels, in the order of the columns; of choices, names of the options' places.
        seed: seed of the bootstrap.
        worst: the most mistakes to keep.
        answer_from: probability from which on answers are given; None where all are. All figures but `answered` are of
            all rows, as if they were answered.
        wanted: share of the answers given that is to be right.

    Raises:
        TrimtabError: no examples; an answer that is missing or not a label; probabilities that are not finite.
    """
    answers_N = answer_ids(examples, labels)
    if not examples:
        raise TrimtabError("There are no examples to score.", "Check that the data file has rows.")
    assert probabilities_NC.shape == (len(examples), len(labels)), probabilities_NC.shape
    finite_N = np.isfinite(probabilities_NC).all(axis=1)
    if not finite_N.all():
        where = examples[int(np.argmin(finite_N))].where
        raise TrimtabError(
            f"{where}: the probabilities of this row are not finite numbers.",
            "If training has diverged, lower `train.rate`.",
        )
    classes = len(labels)
    rows_N = np.arange(len(examples))
    predicted_N = probabilities_NC.argmax(axis=1)
    confidence_N = probabilities_NC[rows_N, predicted_N].astype(np.float64)
    of_answer_N = probabilities_NC[rows_N, answers_N].astype(np.float64)
    confusion_CC = np.bincount(answers_N * classes + predicted_N, minlength=classes**2).reshape(classes, classes)
    precision_C, recall_C, f1_C, present_C = class_scores(
        confusion_CC.diagonal(), confusion_CC.sum(axis=1), confusion_CC.sum(axis=0)
    )
    bins, calibration_error = calibration(confidence_N, predicted_N == answers_N)
    together = (confidence_N, predicted_N == answers_N, groups_among(examples))
    return LabelScores(
        rows=len(examples),
        accuracy=float(np.mean(predicted_N == answers_N)),
        macro_precision=float(precision_C[present_C].mean()),
        macro_recall=float(recall_C[present_C].mean()),
        macro_f1=float(f1_C[present_C].mean()),
        per_class=[
            ClassScore(label, float(precision_C[c]), float(recall_C[c]), float(f1_C[c]), int(confusion_CC[c].sum()))
            for c, label in enumerate(labels)
        ],
        confusion=confusion_CC.tolist(),
        calibration_error=calibration_error,
        calibration_bins=bins,
        log_loss=float(-np.log(np.maximum(of_answer_N, np.finfo(np.float64).eps)).mean()),
        intervals=label_intervals(answers_N, predicted_N, confidence_N, classes, groups_among(examples), seed),
        mistakes=_mistakes(examples, labels, probabilities_NC, answers_N, worst),
        selective=selective(*together),
        answered=None if answer_from is None else answered(*together, answer_from, wanted),
    )


def _mistakes(
    examples: Sequence[Example], labels: Sequence[str], probabilities_NC: Floats, answers_N: Ints, worst: int
) -> list[Mistake]:
    predicted_N = probabilities_NC.argmax(axis=1)
    wrong_W = np.flatnonzero(predicted_N != answers_N)
    confidence_W = probabilities_NC[wrong_W, predicted_N[wrong_W]]
    worst_first = wrong_W[np.argsort(-confidence_W, kind="stable")][:worst]
    return [
        Mistake(
            where=examples[n].where,
            fields={name: shortened(text) for name, text in examples[n].fields.items()},
            answer=examples[n].class_names(labels)[answers_N[n]],
            predicted=examples[n].class_names(labels)[predicted_N[n]],
            probability=float(probabilities_NC[n, predicted_N[n]]),
            probability_of_answer=float(probabilities_NC[n, answers_N[n]]),
        )
        for n in worst_first
    ]
