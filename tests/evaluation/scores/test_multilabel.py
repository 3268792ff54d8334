"""Scores of sets of labels against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from trimtab.data.example import MultiLabelExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.multilabel import label_set_results, label_sets_p_value, score_label_sets

LABELS = ["a", "b", "c", "d"]


def made(seed: int, rows: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Right and given labels; `d` is neither right nor given."""
    random = np.random.default_rng(seed)
    right = random.random((rows, 4)) < [0.5, 0.3, 0.2, 0.0]
    return right, np.where(random.random((rows, 4)) < [0.8, 0.8, 0.8, 1.0], right, ~right)


def sets(table: np.ndarray) -> list[tuple[str, ...]]:
    return [tuple(np.array(LABELS)[row].tolist()) for row in table]


def examples(right: np.ndarray) -> list[MultiLabelExample]:
    return [
        MultiLabelExample({"text": f"row {i}"}, "", f"r:{i}", labels=own) for i, own in enumerate(sets(right), 1)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1])
def test_every_figure_is_that_of_scikit_learn(seed: int) -> None:
    right, given = made(seed)
    own = score_label_sets(examples(right), sets(given), LABELS)
    how: dict[str, Any] = {"average": "micro", "zero_division": 0}
    assert own.micro_f1 == pytest.approx(metrics.f1_score(right, given, **how))
    assert own.micro_precision == pytest.approx(metrics.precision_score(right, given, **how))
    assert own.micro_recall == pytest.approx(metrics.recall_score(right, given, **how))
    assert own.macro_f1 == pytest.approx(metrics.f1_score(right, given, average="macro", zero_division=np.nan))
    assert own.subset_accuracy == pytest.approx(metrics.accuracy_score(right, given))
    assert own.hamming_loss == pytest.approx(metrics.hamming_loss(right, given))
    each = metrics.precision_recall_fscore_support(right, given, average=None, zero_division=0)
    for c, (found, precision, recall, f1, support) in enumerate(zip(own.per_label, *each, strict=True)):
        assert (found.label, found.support) == (LABELS[c], support)
        assert (found.precision, found.recall, found.f1) == pytest.approx((precision, recall, f1))
    assert (own.rows, own.there, own.given) == (40, right.sum(), given.sum())
    assert set(own.intervals) == {
        "micro_f1", "micro_precision", "micro_recall", "macro_f1", "subset_accuracy", "hamming_loss",
    }  # fmt: skip
    assert own.intervals["micro_f1"].low < own.micro_f1 < own.intervals["micro_f1"].high


def test_the_worst_rows_say_what_is_wrong() -> None:
    rows = examples(np.array([[True, True, False, False], [False] * 4, [True, False, False, False]]))
    own = score_label_sets(rows, [("a", "c"), ("b",), ("a",)], LABELS)
    assert [(m.where, m.right, m.missed, m.spurious) for m in own.mistakes] == [
        ("r:1", ["a"], ["b"], ["c"]), ("r:2", [], [], ["b"]),
    ]  # fmt: skip
    assert own.mistakes[0].fields == {"text": "row 1"}


def test_rows_without_any_label_are_right_where_none_is_given() -> None:
    rows = examples(np.zeros((3, 4), dtype=bool))
    own = score_label_sets(rows, [(), (), ("a",)], LABELS)
    assert (own.micro_f1, own.macro_f1, own.subset_accuracy) == pytest.approx((0, 0, 2 / 3))
    headline, *others = label_set_results(rows, [(), (), ("a",)], LABELS)
    assert headline.per_row is not None
    assert headline.per_row.tolist() == [1, 1, 0]
    assert [other.metric.name for other in others] == ["macro F1", "subset accuracy", "Hamming loss"]
    assert [other.metric.higher_is_better for other in others] == [True, True, False]


def test_a_way_is_not_told_from_itself_but_from_a_worse_one() -> None:
    right, given = made(0, 80)
    rows = examples(right)
    assert label_sets_p_value(rows, sets(given), sets(given), LABELS) == 1
    assert label_sets_p_value(rows, sets(right), sets(given), LABELS) < 0.01


def test_what_cannot_be_scored() -> None:
    with pytest.raises(TrimtabError) as caught:
        score_label_sets([], [], LABELS)
    assert str(caught.value) == "There are no examples to score. Check that the data file has rows."
    with pytest.raises(TrimtabError) as caught:
        score_label_sets([MultiLabelExample({}, None, "rows.jsonl:4")], [()], LABELS)
    assert str(caught.value) == "rows.jsonl:4: this row has no labels. Scoring needs labelled rows."
