"""Labels scored by macro F1, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from trimtab.data.example import Example, MultiLabelExample
from trimtab.data.label_sets import canonical
from trimtab.evaluation.chance.paired import standard_error
from trimtab.evaluation.scorers.macro_f1 import macro_f1_scorer
from trimtab.evaluation.scorers.multilabel import multilabel_scorer

NAMES = ("a", "b", "c", "never")


def test_scores_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    right = random.choice(3, size=60, p=[0.7, 0.2, 0.1])
    given = np.where(random.random(60) < 0.6, right, random.integers(0, 3, 60))
    scorer = macro_f1_scorer([Example({}, NAMES[i], f"t:{n}") for n, i in enumerate(right)], NAMES)
    rows = scorer.rows(given)
    assert scorer.score(rows) == pytest.approx(f1_score(right, given, average="macro"))
    assert scorer.beside(given) == {"accuracy": pytest.approx(accuracy_score(right, given))}
    assert (scorer.metric.name, [other.name for other in scorer.others]) == ("macro F1", ["accuracy"])
    assert scorer.each(given).tolist() == (right == given).tolist()
    assert (scorer.said(0, given[0]), scorer.right(0)) == (NAMES[given[0]], NAMES[right[0]])
    interval = scorer.interval(rows[None], 0)
    assert interval.low < scorer.score(rows) < interval.high
    always = scorer.rows(np.zeros(60, dtype=np.int64))  # right most of the time, and of no use
    assert scorer.score(always) < scorer.score(rows)
    assert standard_error(scorer.moves(rows), scorer.moves(always), scorer.groups) > 0


def test_sets_of_labels_are_ranked_by_it_where_that_is_asked_for() -> None:
    sets = [("a",), ("a", "b"), (), ("a",), ("c",)]
    given = np.empty(5, dtype=object)
    given[:] = [("a",), ("a",), ("b",), ("a",), ("c",)]
    examples = [MultiLabelExample({}, canonical(own), f"t:{n}", labels=own) for n, own in enumerate(sets)]
    usual, asked = (multilabel_scorer(examples, NAMES[:3], first) for first in ("micro F1", "macro F1"))
    fits, said = (np.array([[name in own for name in NAMES[:3]] for own in rows]) for rows in (sets, given))
    for scorer, average in ((usual, "micro"), (asked, "macro")):
        assert scorer.metric.name == f"{average} F1"
        assert scorer.score(scorer.rows(given)) == pytest.approx(f1_score(fits, said, average=average, zero_division=0))
    assert asked.each(given).tolist() == usual.each(given).tolist()
    assert [other.name for other in asked.others] == ["micro F1", "subset accuracy", "Hamming loss"]
