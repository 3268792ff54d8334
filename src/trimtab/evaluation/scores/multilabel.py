"""Scores of sets of labels, of which a row may have several or none. Knows nothing about prompts or files.

N rows, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import MultiLabelExample
from trimtab.data.tags.tags import f1
from trimtab.errors import TrimtabError
from trimtab.evaluation.chance.randomisation import randomisation_tests
from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.metrics.metric import (
    Metric,
    MetricResult,
    f1_of_sums,
    mean_of_rows,
    ratio_of_sums,
    result_of_sums,
)
from trimtab.evaluation.metrics.score import with_intervals
from trimtab.evaluation.scores.classes import ClassScore
from trimtab.evaluation.scores.gold import groups_among, label_sets_of
from trimtab.evaluation.text.shortening import shortened

Labels = Sequence[str]

# Where no label is there or given, F1 over all rows is 0, as scikit-learn has it.
_f1_of_all = partial(f1_of_sums, of_none=0.0)


@dataclass(frozen=True)
class MultiLabelMistake:
    """A row with labels missed, or given that do not fit.

    Attributes:
        where: place of origin.
        fields: template field -> text, long texts shortened.
        right: labels that fit and were given.
        missed: labels that fit and were not given.
        spurious: labels given that do not fit.
    """

    where: str
    fields: dict[str, str]
    right: list[str]
    missed: list[str]
    spurious: list[str]


@dataclass(frozen=True)
class MultiLabelScores:
    """How well sets of labels fit the right ones of N rows; shares in [0, 1].

    Attributes:
        rows: N.
        there, given: labels of all rows that are right, and that were given.
        micro_precision, micro_recall, micro_f1: over all labels of all rows.
        macro_f1: mean F1 of the labels that occur among right or given ones.
        subset_accuracy: share of rows of which all labels are right, none missed and none too many.
        hamming_loss: share of all decisions, one a row and label, that are wrong.
        per_label: precision, recall, F1 and rows of each label.
        intervals: 95% intervals over rows (see `interval/shares`), those of a group together, of all the figures.
        mistakes: the rows with the most labels wrong.
    """

    rows: int
    there: int
    given: int
    micro_precision: float
    micro_recall: float
    micro_f1: float
    macro_f1: float
    subset_accuracy: float
    hamming_loss: float
    per_label: list[ClassScore]
    intervals: dict[str, Interval]
    mistakes: list[MultiLabelMistake]


def score_label_sets(
    examples: Sequence[MultiLabelExample],
    given: Sequence[Labels],
    labels: Labels,
    *,
    seed: int = 0,
    worst: int = 20,
) -> MultiLabelScores:
    """Score the labels given to N examples.

    Args:
        examples: N examples with labels.
        given: the labels given to each.
        labels: the C labels that there are; all that is right or given is among them.
        seed: seed of the bootstrap.
        worst: the most mistakes to keep.

    Raises:
        TrimtabError: no examples; one without labels.
    """
    if not examples:
        raise TrimtabError("There are no examples to score.", "Check that the data file has rows.")
    right_NC, given_NC = _fits(label_sets_of(examples), labels), _fits(given, labels)
    both_NC = right_NC & given_NC
    figures = with_intervals(_results(right_NC, given_NC), groups_among(examples), seed=seed)
    wrong_N = (right_NC != given_NC).sum(axis=1)
    first = [int(n) for n in np.argsort(-wrong_N, kind="stable")[:worst] if wrong_N[n]]
    totals = zip(labels, both_NC.sum(axis=0), given_NC.sum(axis=0), right_NC.sum(axis=0), strict=True)
    return MultiLabelScores(
        rows=len(examples),
        there=int(right_NC.sum()),
        given=int(given_NC.sum()),
        **{figure.name: figure.value for figure in figures},
        per_label=[
            ClassScore(name, float(hits / max(said, 1)), float(hits / max(there, 1)), f1(hits, said, there), int(there))
            for name, hits, said, there in totals
        ],
        intervals={figure.name: figure.interval for figure in figures if figure.interval},
        mistakes=[_mistake(examples[n], given[n]) for n in first],
    )


def label_set_results(
    examples: Sequence[MultiLabelExample], given: Sequence[Labels], labels: Labels
) -> list[MetricResult]:
    """Return micro F1, the headline, then macro F1, subset accuracy and the Hamming loss, named as reports have them.

    Args:
        examples, given, labels: as `score_label_sets` has them.
    """
    results = _results(_fits(label_sets_of(examples), labels), _fits(given, labels))
    found = {result.metric.name: result for result in results}
    names = {
        "micro_f1": "micro F1", "macro_f1": "macro F1", "subset_accuracy": "subset accuracy",
        "hamming_loss": "Hamming loss",
    }  # fmt: skip
    return [replace(found[key], metric=replace(found[key].metric, name=name)) for key, name in names.items()]


def label_sets_p_value(
    examples: Sequence[MultiLabelExample], ours: Sequence[Labels], theirs: Sequence[Labels], labels: Labels
) -> float:
    """Return the two-sided p-value of the difference in micro F1 between two ways of labelling the same rows.

    By approximate randomisation (Yeh 2000), rows of a group exchanged together.
    """
    (one, *_), (other, *_) = (label_set_results(examples, given, labels) for given in (ours, theirs))
    assert one.sums, one.metric
    assert other.sums, other.metric
    [p_value] = randomisation_tests([(one.sums, other.sums)], groups_among(examples))
    return p_value


def _fits(sets: Sequence[Labels], labels: Labels) -> NDArray[np.bool_]:
    """Whether each row has each label, shape (N, C)."""
    column = {label: c for c, label in enumerate(labels)}
    fits_NC = np.zeros((len(sets), len(labels)), dtype=bool)
    for fits_C, own in zip(fits_NC, sets, strict=True):
        fits_C[[column[label] for label in own]] = True
    return fits_NC


def _results(right_NC: NDArray[np.bool_], given_NC: NDArray[np.bool_]) -> list[MetricResult]:
    """Every figure of `MultiLabelScores` that has an interval, under its name there."""
    counts_NC3 = np.stack([right_NC & given_NC, given_NC, right_NC], axis=-1).astype(np.float64)
    rows, labels, _ = counts_NC3.shape
    sums_N3, wrong_NC = counts_NC3.sum(axis=1), right_NC != given_NC

    def mean_f1(sums: Floats) -> Floats:
        sums_C3 = sums.reshape(*sums.shape[:-1], labels, 3)
        occur = sums_C3[..., 1] + sums_C3[..., 2] > 0
        f1s: Floats = (_f1_of_all(sums_C3) * occur).sum(axis=-1) / np.maximum(occur.sum(axis=-1), 1)
        return f1s

    micro = Metric("micro_f1", "F1 over all labels of all rows")
    precision = Metric("micro_precision", "labels given that are right")
    recall = Metric("micro_recall", "labels there are that were given")
    macro = Metric("macro_f1", "mean of the labels’ F1")
    subset = Metric("subset_accuracy", "rows with exactly the right labels")
    hamming = Metric("hamming_loss", "decisions, one a row and label, that are wrong", higher_is_better=False)
    return [
        result_of_sums(micro, sums_N3, _f1_of_all, per_row=f1_of_sums(sums_N3), signature=""),
        result_of_sums(precision, sums_N3[:, :2], ratio_of_sums, per_row=None, signature=""),
        result_of_sums(recall, sums_N3[:, [0, 2]], ratio_of_sums, per_row=None, signature=""),
        result_of_sums(macro, counts_NC3.reshape(rows, -1), mean_f1, per_row=None, signature=""),
        mean_of_rows(subset, (~wrong_NC.any(axis=1)).astype(np.float64).tolist(), signature=""),
        mean_of_rows(hamming, wrong_NC.mean(axis=1).tolist(), signature=""),
    ]


def _mistake(example: MultiLabelExample, given: Labels) -> MultiLabelMistake:
    there = example.labels or ()
    return MultiLabelMistake(
        where=example.where,
        fields={name: shortened(text) for name, text in example.fields.items()},
        right=[label for label in there if label in given],
        missed=[label for label in there if label not in given],
        spurious=[label for label in given if label not in there],
    )
