"""Labels and choices scored by accuracy: against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from trimtab.data.example import ChoiceExample
from trimtab.evaluation.chance.mcnemar import mcnemar_test
from trimtab.evaluation.interval.groups import groups_of
from trimtab.evaluation.scorers.accuracy import Accuracy
from trimtab.reports.figures import Cell, Measured, compare, disagreements


def test_choices_are_scored_by_the_place_and_said_as_the_option() -> None:
    rows = [("tea", ("tea", "ink")), ("oil", ("sand", "oil", "tar")), ("sun", ("sun", "fog"))]
    examples = [ChoiceExample({"text": "?"}, right, f"c:{i}", options=own) for i, (right, own) in enumerate(rows)]
    scorer = Accuracy(np.array([0, 1, 0]), [own for _, own in rows], 0)
    a, b = np.array([0, 1, 1]), np.array([0, 2, 0])
    assert scorer.rows(a).tolist() == [True, True, False]
    assert scorer.beside(a) == {}
    ways = [Measured("a", "a", "tuned", [Cell(0, a)]), Measured("b", "b", "tuned", [Cell(0, b)])]
    difference = compare(ways, scorer, "b").ways[0].difference
    assert difference is not None
    assert difference.test == "McNemar"
    assert difference.p_value == mcnemar_test(scorer.rows(a), scorer.rows(b)) == 1.0
    found = disagreements(ways, examples, scorer, "a")
    assert [(row.answer, row.answers) for row in found] == [
        ("oil", {"a": "oil", "b": "tar"}), ("sun", {"a": "fog", "b": "sun"}),
    ]  # fmt: skip


def test_labels_have_a_macro_f1() -> None:
    scorer = Accuracy(np.array([0, 0, 1, 2]), [("no", "yes", "maybe")] * 4, 3)
    given = np.array([0, 1, 1, 2])
    assert scorer.beside(given)["macro F1"] == pytest.approx(f1_score([0, 0, 1, 2], given, average="macro"))


def test_several_seeds_are_tested_with_what_other_seeds_would_add() -> None:
    scorer = Accuracy(np.zeros(40, dtype=np.int64), [("no", "yes")] * 40, 2)
    right, half = np.zeros(40, dtype=np.int64), (np.arange(40) < 20).astype(np.int64)
    found = compare(
        [Measured("a", "a", "tuned", [Cell(0, right), Cell(1, right)]), Measured("b", "b", "tuned", [Cell(0, half)])],
        scorer, "b",
    ).ways[0].difference  # fmt: skip
    assert found is not None
    assert (found.test, found.p_value) == ("sign flips over rows and seeds", pytest.approx(1e-4, abs=2e-4))
    assert 0 < found.interval.low < 0.5 < found.interval.high < 1


def test_rows_of_a_group_are_exchanged_whole() -> None:
    groups = groups_of([str(i // 10) for i in range(40)])
    apart, together = (
        Accuracy(np.zeros(40, dtype=np.int64), [("no", "yes")] * 40, 2, known) for known in (None, groups)
    )
    ways = [
        Measured("a", "a", "tuned", [Cell(0, np.zeros(40, dtype=np.int64))]),
        Measured("b", "b", "tuned", [Cell(0, (np.arange(40) < 20).astype(np.int64))]),
    ]
    alone, whole = (compare(ways, scorer, "b").ways[0] for scorer in (apart, together))
    assert alone.difference is not None
    assert whole.difference is not None
    assert (alone.difference.test, alone.difference.real) == ("McNemar", True)
    # Two groups of four turned: by a coin's throw in half of the cases.
    assert (whole.difference.test, whole.difference.p_value) == ("sign flips of groups", pytest.approx(0.5, abs=0.02))
    assert whole.interval.low < alone.interval.low


def test_rows_that_most_ways_answer_differently_come_first() -> None:
    scorer = Accuracy(np.zeros(4, dtype=np.int64), [("a", "b", "c")] * 4, 3)
    answers = np.array([[0, 0, 1, 0], [0, 1, 1, 1], [0, 1, 2, 2]])
    assert scorer.divided(answers) == [3, 1, 2]
