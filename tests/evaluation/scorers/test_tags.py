"""Tags scored in a comparison: against seqeval and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from made_answers import mended, spoilt, tagged
from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score

from trimtab.data.example import TaggedExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.scorers.tags import tag_scorer
from trimtab.reports.figures import as_answers


def test_tags_are_scored_as_seqeval_scores_them() -> None:
    examples = tagged(60)
    scorer, given = tag_scorer(examples), as_answers(spoilt(examples, 0.4, 1))
    right, found = [list(e.tags or ()) for e in examples], [list(tags) for tags in given]
    beside = scorer.beside(given)
    assert scorer.score(scorer.rows(given)) == pytest.approx(f1_score(right, found))
    assert beside["precision"] == pytest.approx(precision_score(right, found))
    assert beside["recall"] == pytest.approx(recall_score(right, found))
    assert beside["macro F1"] == pytest.approx(f1_score(right, found, average="macro"))
    assert beside["token accuracy"] == pytest.approx(accuracy_score(right, found))
    assert scorer.each(given)[7] == pytest.approx(f1_score(right[7:8], found[7:8], zero_division=1))


def test_plain_tags_are_scored_by_the_accuracy_of_tokens() -> None:
    examples = tagged(40)
    scorer, given = tag_scorer(examples, plain=True), as_answers(spoilt(examples, 0.3, 1))
    hits = [
        tag == own for e, tags in zip(examples, given, strict=True) for tag, own in zip(tags, e.tags or (), strict=True)
    ]
    assert (scorer.metric.name, [other.name for other in scorer.others]) == ("token accuracy", ["macro F1"])
    assert scorer.score(scorer.rows(given)) == pytest.approx(np.mean(hits))
    assert scorer.said(0, ["O"] * len(examples[0].tokens)).startswith("w0/O")


def test_rows_that_are_tagged_alike_are_not_divided_however_their_tags_are_kept() -> None:
    examples = tagged(5)
    scorer = tag_scorer(examples)
    tags = [list(e.tags or ()) for e in examples]
    kept, fresh = as_answers(tags), as_answers([tuple(own) for own in tags])
    assert scorer.divided(np.stack([kept, fresh])) == []
    fresh[3] = mended(["B-y", *tags[3][1:]] if tags[3][0] != "B-y" else ["O", *tags[3][1:]])
    assert scorer.divided(np.stack([kept, as_answers(list(fresh))])) == [3]


def test_entities_are_said_with_their_types() -> None:
    row = TaggedExample({"tokens": "to New York"}, "", "t:1", tokens=("to", "New", "York"), tags=("O", "B-x", "I-x"))
    scorer = tag_scorer([row], join="space")
    assert (scorer.right(0), scorer.said(0, ("O", "O", "O"))) == ("x: New York", "no entity")
    assert tag_scorer([row], join="none").said(0, ("B-y", "B-x", "I-x")) == "y: to; x: NewYork"


def test_a_row_without_tags_is_an_error() -> None:
    with pytest.raises(TrimtabError) as caught:
        tag_scorer([TaggedExample({"tokens": "a"}, None, "rows.jsonl:4", tokens=("a",))])
    assert str(caught.value) == "rows.jsonl:4: this row has no tags. Scoring needs rows with tags."
