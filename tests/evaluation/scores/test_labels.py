"""Scores against scikit-learn and figures derived by hand."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from made_answers import probabilities
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.scores.calibration import CalibrationBin
from trimtab.evaluation.scores.labels import LabelScores, score_labels


def rows(answers: list[str] | np.ndarray, text: str = "a text") -> list[Example]:
    return [Example({"text": text}, str(answer), f"dev.jsonl:{n}") for n, answer in enumerate(answers, 1)]


def scored(answers_N: np.ndarray, probabilities_NC: np.ndarray) -> LabelScores:
    labels = [f"c{c}" for c in range(probabilities_NC.shape[1])]
    return score_labels(rows([labels[a] for a in answers_N]), probabilities_NC, labels)


@pytest.mark.parametrize(("classes", "count", "present"), [(2, 50, 2), (5, 300, 5), (7, 40, 4), (77, 400, 77)])
def test_class_scores_are_those_of_scikit_learn(classes: int, count: int, present: int) -> None:
    answers = np.random.default_rng(classes).integers(present, size=count)
    table = probabilities(answers, classes, 2.0)
    got, predicted = scored(answers, table), table.argmax(axis=1)
    precision, recall, f1, support = precision_recall_fscore_support(
        answers, predicted, labels=range(classes), zero_division=0
    )
    assert np.allclose([c.precision for c in got.per_class], precision)
    assert np.allclose([c.recall for c in got.per_class], recall)
    assert np.allclose([c.f1 for c in got.per_class], f1)
    assert [c.support for c in got.per_class] == support.tolist()
    macro = precision_recall_fscore_support(answers, predicted, average="macro", zero_division=0)[:3]
    assert np.allclose((got.macro_precision, got.macro_recall, got.macro_f1), macro)
    assert got.confusion == confusion_matrix(answers, predicted, labels=range(classes)).tolist()
    assert got.log_loss == pytest.approx(log_loss(answers, table, labels=range(classes)))
    assert got.accuracy == pytest.approx(np.mean(answers == predicted))
    assert got.rows == count


def test_certain_and_wrong_has_a_finite_log_loss_as_in_scikit_learn() -> None:
    table = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert scored(np.array([1, 1]), table).log_loss == pytest.approx(log_loss([1, 1], table, labels=[0, 1]))


def test_calibration_error_by_hand() -> None:
    # Bins of width 1/15: 0.62 is in (9/15, 10/15], 0.92 and 0.93 in (13/15, 14/15].
    table = np.array([[0.62, 0.38], [0.92, 0.08], [0.07, 0.93], [0.92, 0.08]])
    got = scored(np.array([1, 0, 1, 1]), table)
    # The first bin: 0 of 1 right, 0.62 sure. The second: 2 of 3 right, (0.92 + 0.93 + 0.92) / 3 sure.
    assert got.calibration_error == pytest.approx(1 / 4 * 0.62 + 3 / 4 * abs(2 / 3 - 2.77 / 3))
    assert got.calibration_bins[9] == CalibrationBin(pytest.approx(0.62), 0.0, 1)
    assert got.calibration_bins[13] == CalibrationBin(pytest.approx(2.77 / 3), pytest.approx(2 / 3), 3)
    assert sum(b.rows for b in got.calibration_bins) == 4


def test_a_confidence_on_the_edge_belongs_to_the_lower_bin() -> None:
    got = scored(np.array([0]), np.array([[0.6, 0.4]]))
    assert [m for m, b in enumerate(got.calibration_bins) if b.rows] == [8]
    assert [m for m, b in enumerate(scored(np.array([0]), np.array([[1.0, 0.0]])).calibration_bins) if b.rows] == [14]


def test_a_hundred_thousand_rows_of_77_classes_take_seconds_and_little_memory() -> None:
    answers = np.random.default_rng(0).integers(77, size=100_000)
    table = probabilities(answers, 77, 3.0).astype(np.float32)
    labels = [str(c) for c in range(77)]
    examples = rows(answers)
    start = time.process_time()
    score_labels(examples, table, labels)
    assert time.process_time() - start < 15  # about two seconds on an idle machine
    tracemalloc.start()
    score_labels(examples, table, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * table.nbytes


def test_mistakes_are_the_wrong_rows_most_confident_first() -> None:
    table = np.array([[0.9, 0.1], [0.3, 0.7], [0.05, 0.95], [0.6, 0.4], [0.2, 0.8]])
    got = score_labels(rows(["a", "a", "a", "b", "b"]), table, ["a", "b"], worst=2)
    assert [(m.where, m.answer, m.predicted, m.probability, m.probability_of_answer) for m in got.mistakes] == [
        ("dev.jsonl:3", "a", "b", 0.95, 0.05),
        ("dev.jsonl:2", "a", "b", 0.7, 0.3),
    ]


def test_long_and_broken_texts_of_mistakes_are_mended() -> None:
    got = score_labels(rows(["a"], "x" * 1000), np.array([[0.0, 1.0]]), ["a", "b"])
    assert got.mistakes[0].fields == {"text": "x" * 399 + "…"}
    got = score_labels(rows(["a"], "half \ud83d emoji"), np.array([[0.0, 1.0]]), ["a", "b"])
    assert got.mistakes[0].fields == {"text": "half ? emoji"}


def test_one_row_and_all_right() -> None:
    got = scored(np.array([0]), np.array([[0.75, 0.25]]))
    assert got.accuracy == 1.0
    assert got.intervals["accuracy"] == got.intervals["macro_f1"] == Interval(pytest.approx(0.2065, abs=1e-4), 1.0)
    assert got.mistakes == []


@pytest.mark.parametrize(
    ("examples", "table", "message"),
    [
        ([], np.zeros((0, 2)), "There are no examples to score. Check that the data file has rows."),
        (
            [Example({}, "postive", "reviews.jsonl:12")],
            np.ones((1, 2)) / 2,
            "reviews.jsonl:12: label 'postive' is not one of negative, positive. Did you mean 'positive'?",
        ),
        (
            [Example({}, None, "reviews.jsonl:3")],
            np.ones((1, 2)) / 2,
            "reviews.jsonl:3: this row has no answer. Scoring needs labelled rows.",
        ),
        (
            [Example({}, "positive", "a:1"), Example({}, "positive", "a:2")],
            np.array([[0.5, 0.5], [np.nan, 0.5]]),
            "a:2: the probabilities of this row are not finite numbers. If training has diverged, lower `train.rate`.",
        ),
    ],
)
def test_what_cannot_be_scored_is_an_error(examples: list[Example], table: np.ndarray, message: str) -> None:
    with pytest.raises(TrimtabError) as error:
        score_labels(examples, table, ["negative", "positive"])
    assert str(error.value) == message


def test_an_unknown_label_among_many_names_only_some() -> None:
    labels = [f"label_{c}" for c in range(77)]
    with pytest.raises(TrimtabError) as error:
        score_labels(rows(["zzz"]), np.ones((1, 77)) / 77, labels)
    assert str(error.value) == f"dev.jsonl:1: label 'zzz' is not one of {', '.join(labels[:12])} or 65 more."
