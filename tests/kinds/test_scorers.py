"""What ways are compared by, by kind of answer, and the test of two ways of one seed."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.data.example import (
    ChoiceExample,
    Example,
    MultiLabelExample,
    NumberExample,
    SpanExample,
    TaggedExample,
    TextExample,
)
from trimtab.kinds.choose import kind_of
from trimtab.reports.figures import Cell, Measured, compare
from trimtab.settings.answers import (
    AnswerSettings,
    ChoiceAnswer,
    LabelAnswer,
    MultiLabelAnswer,
    NumberAnswer,
    SpanAnswer,
    TagsAnswer,
    TextAnswer,
)
from trimtab.settings.file import make_task

ROWS = {
    "label": [Example({}, label, "t:1") for label in ("b", "a")],
    "multilabel": [MultiLabelExample({}, "", "t:1", labels=own) for own in (("b", "a"), ())],
    "choice": [
        ChoiceExample({}, "x", "t:1", options=("x", "y")),
        ChoiceExample({}, "z", "t:2", options=("x", "y", "z")),
    ],
    "number": [NumberExample({}, "1", "t:1", number=1.0), NumberExample({}, "4", "t:2", number=4.0)],
    "tags": [TaggedExample({}, "B-x", "t:1", tokens=("w",), tags=(tag,)) for tag in ("B-x", "O")],
    "span": [
        SpanExample({}, "y", "t:1", context="x y z", references=("y",), spans=((2, 3),)),
        SpanExample({}, "", "t:2", context="x y z"),
    ],
    "text": [TextExample({}, text, "t:1", references=(text, "other")) for text in ("some words", "more of them")],
}
RIGHT = {
    "label": [1, 0], "multilabel": [("a", "b"), ()], "choice": [0, 2], "number": [1.0, 4.0],
    "tags": [("B-x",), ("O",)], "span": [(2, 3), ()], "text": ["some words", "more of them"],
}  # fmt: skip


ONE_SEED = {
    "label": "McNemar", "multilabel": "randomisation", "choice": "McNemar", "number": "permutation",
    "tags": "randomisation", "span": "randomisation", "text": "randomisation",
}  # fmt: skip
TASK = make_task({"data": {"train": "rows.jsonl"}, "template": {"text": "{text}{answer}"}})


@pytest.mark.parametrize(
    ("answer", "name", "said"),
    [
        (LabelAnswer(), "accuracy", "b"),
        (MultiLabelAnswer(), "micro F1", "b, a"),
        (ChoiceAnswer(options="own"), "accuracy", "x"),
        (NumberAnswer(), "R²", "1"),
        (TagsAnswer(), "entity F1", "x: w"),
        (TagsAnswer(scheme="plain"), "token accuracy", "w/B-x"),
        (SpanAnswer(), "F1", "y"),
        (TextAnswer(), "chrF", "some words"),
        (TextAnswer(metrics=["em"]), "EM", "some words"),
    ],
)
def test_what_is_right_scores_1_and_is_not_told_from_itself(answer: AnswerSettings, name: str, said: str) -> None:
    scorer = kind_of(answer).scorer(ROWS[answer.kind], ("a", "b") if "label" in answer.kind else (), TASK)
    given = np.empty(2, dtype=object)
    given[:] = RIGHT[answer.kind]
    given = given if answer.kind in ("multilabel", "tags", "span", "text") else np.array(RIGHT[answer.kind])
    rows = scorer.rows(given)
    assert (scorer.metric.name, scorer.score(rows), scorer.right(0)) == (name, 1.0, said)
    assert sorted(scorer.said(0, given[0])) == sorted(said)
    ways = [Measured(key, key, "tuned", [Cell(0, given)]) for key in ("a", "b")]
    [found] = [way.difference for way in compare(ways, scorer, "b").ways if way.difference]
    assert (found.p_value, found.p_adjusted, found.test) == (1.0, 1.0, ONE_SEED[answer.kind])
    assert scorer.divided(np.stack([given, given])) == []
