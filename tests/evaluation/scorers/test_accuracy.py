"""Labels and choices scored by accuracy: against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from trimtab.data.example import ChoiceExample
from trimtab.evaluation.chance.mcnemar import mcnemar_test
from trimtab.evaluation.scorers.accuracy import Accuracy
from trimtab.reports.figures import Cell, Measured, disagreements


def test_choices_are_scored_by_the_place_and_said_as_the_option() -> None:
    rows = [("tea", ("tea", "ink")), ("oil", ("sand", "oil", "tar")), ("sun", ("sun", "fog"))]
    examples = [ChoiceExample({"text": "?"}, right, f"c:{i}", options=own) for i, (right, own) in enumerate(rows)]
    scorer = Accuracy(np.array([0, 1, 0]), [own for _, own in rows], 0)
    a, b = np.array([0, 1, 1]), np.array([0, 2, 0])
    assert scorer.rows(a).tolist() == [True, True, False]
    assert scorer.beside(a) == {}
    _, p_value, test = scorer.test(scorer.rows(a)[None], scorer.rows(b)[None], 0)
    assert (test, p_value) == ("McNemar", mcnemar_test(scorer.rows(a), scorer.rows(b)))
    found = disagreements(
        [Measured("a", "a", "tuned", [Cell(0, a)]), Measured("b", "b", "tuned", [Cell(0, b)])], examples, scorer, "a"
    )
    assert [(row.answer, row.answers) for row in found] == [
        ("oil", {"a": "oil", "b": "tar"}), ("sun", {"a": "fog", "b": "sun"}),
    ]  # fmt: skip


def test_labels_have_a_macro_f1() -> None:
    scorer = Accuracy(np.array([0, 0, 1, 2]), [("no", "yes", "maybe")] * 4, 3)
    given = np.array([0, 1, 1, 2])
    assert scorer.beside(given)["macro F1"] == pytest.approx(f1_score([0, 0, 1, 2], given, average="macro"))


def test_several_seeds_are_tested_by_the_bootstrap() -> None:
    scorer = Accuracy(np.zeros(40, dtype=np.int64), [("no", "yes")] * 40, 2)
    a, b = np.ones((2, 40), dtype=bool), np.arange(40)[None] < 20
    interval, p_value, test = scorer.test(a, b, 0)
    assert (test, p_value) == ("paired bootstrap", pytest.approx(2 / 10_001))
    assert 0 < interval.low < 0.5 < interval.high < 1
    assert scorer.interval(a, 0).low == 1.0


def test_rows_that_most_ways_answer_differently_come_first() -> None:
    scorer = Accuracy(np.zeros(4, dtype=np.int64), [("a", "b", "c")] * 4, 3)
    answers = np.array([[0, 0, 1, 0], [0, 1, 1, 1], [0, 1, 2, 2]])
    assert scorer.divided(answers) == [3, 1, 2]
