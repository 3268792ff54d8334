"""Scores of probabilities against answers. Knows nothing about backbones, prompts or files.

Shapes: N rows, C classes, M calibration bins, G groups of rows alike, W wrong rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.errors import TrimtabError, did_you_mean

BINS = 15
RESAMPLES = 1000
# Numbers drawn at once, where a resample has no more.
DRAWN = 1 << 16
LONGEST_TEXT = 400
MOST_LABELS_IN_A_MESSAGE = 12

Ints = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class; shares in [0, 1], `support` in rows that have this label as their answer."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Interval:
    """A 95% interval."""

    low: float
    high: float


class CalibrationBin(NamedTuple):
    """Rows of like confidence: their mean confidence, the share that is right, and how many they are."""

    confidence: float
    accuracy: float
    rows: int


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
class Scores:
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
        intervals: 95% percentile bootstrap intervals (Efron 1979) of `accuracy`, `macro_f1` and
            `calibration_error`. The calibration error of a resample is biased upwards where rows are few, so
            its interval is moved down by the bootstrap estimate of that bias (Efron & Tibshirani 1993, section
            10.3), to 0 at most.
        mistakes: wrong rows, the most confident first.
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


def score(
    examples: Sequence[Example], probabilities_NC: Floats, labels: Sequence[str], *, seed: int = 0, worst: int = 20
) -> Scores:
    """Score the probabilities of C labels against the answers of N examples.

    Args:
        examples: N labelled examples.
        probabilities_NC: a row an example, a column a label; rows sum to one.
        labels: the C labels, in the order of the columns; of choices, names of the options' places.
        seed: seed of the bootstrap.
        worst: the most mistakes to keep.

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
    precision_C, recall_C, f1_C, present_C = _class_scores(
        confusion_CC.diagonal(), confusion_CC.sum(axis=1), confusion_CC.sum(axis=0)
    )
    bins, calibration_error = _calibration(confidence_N, predicted_N == answers_N)
    return Scores(
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
        intervals=_bootstrap(answers_N, predicted_N, confidence_N, classes, seed),
        mistakes=_mistakes(examples, labels, probabilities_NC, answers_N, worst),
    )


def answer_ids(examples: Sequence[Example], labels: Sequence[str]) -> Ints:
    """Return the column of each example's answer among the labels, or its own options, shape (N,).

    Raises:
        TrimtabError: an answer that is missing or not one of the labels.
    """
    column = {label: c for c, label in enumerate(labels)}
    ids = []
    for example in examples:
        if example.answer is None:
            raise TrimtabError(f"{example.where}: this row has no answer.", "Scoring needs labelled rows.")
        if example.options:
            ids.append(example.options.index(example.answer))
            continue
        if example.answer not in column:
            raise unknown_label(example.answer, example.where, labels)
        ids.append(column[example.answer])
    return np.array(ids, dtype=np.int64)


def macro_f1(answers_N: Ints, predicted_N: Ints, classes: int) -> float:
    """Mean F1 of the classes that occur among right or given labels, given indices of shape (N,)."""
    both_C = np.bincount(answers_N[answers_N == predicted_N], minlength=classes)
    right_C, given_C = np.bincount(answers_N, minlength=classes), np.bincount(predicted_N, minlength=classes)
    _, _, f1_C, present_C = _class_scores(both_C, right_C, given_C)
    return float(f1_C[present_C].mean())


def unknown_label(answer: str, where: str, labels: Sequence[str]) -> TrimtabError:
    """Return the error that says that the label `answer`, found at `where`, is none of the labels."""
    known = ", ".join(labels[:MOST_LABELS_IN_A_MESSAGE])
    more = f" or {len(labels) - MOST_LABELS_IN_A_MESSAGE} more" if len(labels) > MOST_LABELS_IN_A_MESSAGE else ""
    return TrimtabError(f"{where}: label '{answer}' is not one of {known}{more}.", did_you_mean(answer, labels))


def _class_scores(
    hits_C: NDArray[Any], support_C: NDArray[Any], predicted_C: NDArray[Any]
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Return precision, recall, F1 (0 where undefined) and whether the class occurs at all, each of shape (C,)."""
    precision_C = hits_C / np.maximum(predicted_C, 1)
    recall_C = hits_C / np.maximum(support_C, 1)
    either_C = support_C + predicted_C
    return precision_C, recall_C, 2 * hits_C / np.maximum(either_C, 1), either_C > 0


def _bins(confidence_N: Floats) -> Ints:
    """Return the bin of each confidence; bin m holds (m/M, (m+1)/M]."""
    bin_N: Ints = np.clip(np.ceil(confidence_N * BINS) - 1, 0, BINS - 1).astype(np.int64)
    return bin_N


def _calibration(confidence_N: Floats, correct_N: NDArray[np.bool_]) -> tuple[list[CalibrationBin], float]:
    bin_N = _bins(confidence_N)
    count_M = np.bincount(bin_N, minlength=BINS)
    confidence_M = np.bincount(bin_N, confidence_N, BINS) / np.maximum(count_M, 1)
    accuracy_M = np.bincount(bin_N, correct_N, BINS) / np.maximum(count_M, 1)
    error = float((count_M * np.abs(accuracy_M - confidence_M)).sum() / len(confidence_N))
    bins = [
        CalibrationBin(float(c), float(a), int(n)) for c, a, n in zip(confidence_M, accuracy_M, count_M, strict=True)
    ]
    return bins, error


def _bootstrap(
    answers_N: Ints, predicted_N: Ints, confidence_N: Floats, classes: int, seed: int
) -> dict[str, Interval]:
    """Resample the rows, B times at once: as often as B x N numbers stay few, so that memory does too.

    Rows are sorted by bin and by (answer, predicted), so that a resample is one count a row, summed over runs.
    """
    rows, bin_N = len(answers_N), _bins(confidence_N)
    group_N = (bin_N * classes + answers_N) * classes + predicted_N
    order_N = np.argsort(group_N, kind="stable")
    group_G, start_G = np.unique(group_N[order_N], return_index=True)
    start_M = np.unique(bin_N[order_N], return_index=True)[1]
    answer_G, predicted_G = np.divmod(group_G % classes**2, classes)
    hit_G = answer_G == predicted_G
    gap_N = (confidence_N - (answers_N == predicted_N))[order_N]
    random = np.random.default_rng(seed)
    values = np.empty((RESAMPLES, 3))
    for value_B3 in np.array_split(values, -(-RESAMPLES // max(1, DRAWN // rows))):
        drawn_BN = random.integers(rows, size=(len(value_B3), rows))
        times_BN = _counts(drawn_BN, None, rows, len(value_B3))
        count_BG = np.add.reduceat(times_BN, start_G, axis=1)
        hits_BG = count_BG * hit_G
        _, _, f1_BC, present_BC = _class_scores(
            _counts(answer_G, hits_BG, classes, len(value_B3)),
            _counts(answer_G, count_BG, classes, len(value_B3)),
            _counts(predicted_G, count_BG, classes, len(value_B3)),
        )
        value_B3[:, 0] = hits_BG.sum(axis=1) / rows
        value_B3[:, 1] = f1_BC.mean(axis=1, where=present_BC)
        value_B3[:, 2] = np.abs(np.add.reduceat(times_BN * gap_N, start_M, axis=1)).sum(axis=1) / rows
    error = np.abs(np.add.reduceat(gap_N, start_M)).sum() / rows
    values[:, 2] = np.maximum(values[:, 2] - (values[:, 2].mean() - error), 0)
    low, high = np.percentile(values, [2.5, 97.5], axis=0)
    names = ("accuracy", "macro_f1", "calibration_error")
    return {name: Interval(float(low[i]), float(high[i])) for i, name in enumerate(names)}


def _counts(kind_N: Ints, weight_BN: NDArray[Any] | None, kinds: int, resamples: int) -> NDArray[Any]:
    """Return how often each kind occurs, or the sum of its weights, in each of B resamples: (B, kinds).

    Kinds are of shape (N,), or (B, N) where resamples differ.
    """
    apart_BN = kind_N + kinds * np.arange(resamples)[:, None]
    weight = None if weight_BN is None else weight_BN.ravel()
    return np.bincount(apart_BN.ravel(), weight, resamples * kinds).reshape(resamples, kinds)


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
            answer=(examples[n].options or labels)[answers_N[n]],
            predicted=(examples[n].options or labels)[predicted_N[n]],
            probability=float(probabilities_NC[n, predicted_N[n]]),
            probability_of_answer=float(probabilities_NC[n, answers_N[n]]),
        )
        for n in worst_first
    ]


def shortened(text: str) -> str:
    """Cut a long text, and replace what UTF-8 cannot hold (lone surrogates from broken JSON escapes)."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= LONGEST_TEXT else whole[: LONGEST_TEXT - 1].rstrip() + "…"
