"""Scores of tags against seqeval and scikit-learn, and the test of two ways of tagging."""

from __future__ import annotations

import warnings
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_answers import row
from seqeval.metrics import classification_report
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from trimtab.data.example import TaggedExample
from trimtab.data.tags.tags import as_bio
from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.tags import score_tags, tag_results, tags_p_value

INSIDE = st.builds("{}-{}".format, st.sampled_from("BI"), st.sampled_from(["x", "y", "A-b"]))
PAIRS = st.lists(
    st.lists(st.tuples(*[st.just("O") | INSIDE] * 2), min_size=1, max_size=8).map(
        lambda cells: tuple(zip(*cells, strict=True))
    ),
    min_size=1, max_size=5,
)  # fmt: skip


@settings(deadline=None, max_examples=40)  # each with a bootstrap
@given(PAIRS)
def test_scores_are_those_of_seqeval(pairs: list[tuple[tuple[str, ...], tuple[str, ...]]]) -> None:
    gold, found = ([as_bio(pair[side])[0] for pair in pairs] for side in (0, 1))
    scores = score_tags([row(tags) for tags in gold], found, worst=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not scores.per_type:
            assert (scores.f1, scores.macro_f1) == (0, 0)
            return
        theirs = classification_report(gold, found, output_dict=True, zero_division=0)
    micro = theirs["micro avg"]
    assert (scores.precision, scores.recall, scores.f1) == pytest.approx(
        (micro["precision"], micro["recall"], micro["f1-score"])
    )
    assert (scores.macro_f1, scores.entities) == (pytest.approx(theirs["macro avg"]["f1-score"]), micro["support"])
    for own in scores.per_type:
        other = theirs[own.label]
        assert (own.precision, own.recall, own.f1) == pytest.approx(
            (other["precision"], other["recall"], other["f1-score"])
        )
        assert own.support == other["support"]
    assert len(scores.per_type) == len(theirs) - 3
    assert scores.token_accuracy == pytest.approx(accuracy_score([*chain(*gold)], [*chain(*found)]))


def test_plain_tags_are_scored_by_token() -> None:
    gold, found = [["N", "V", "N"], ["O", "V"]], [["N", "N", "N"], ["O", "V"]]
    scores = score_tags([row(tags) for tags in gold], found, plain=True)
    flat = [[*chain(*tags)] for tags in (gold, found)]
    assert scores.f1 == scores.token_accuracy == pytest.approx(accuracy_score(*flat))
    precision, recall, f1, support = precision_recall_fscore_support(*flat, labels=["N", "O", "V"], zero_division=0)
    own = [(c.precision, c.recall, c.f1, c.support) for c in scores.per_type]
    np.testing.assert_allclose(own, np.stack([precision, recall, f1, support], axis=1))
    [mistake] = scores.mistakes
    assert mistake.pieces == [("w0", ""), (" ", ""), ("w1", "spurious"), (" ", ""), ("w2", "")]


def test_intervals_hold_the_figures_and_narrow_with_rows() -> None:
    gold, found = [["B-x"], ["O"], ["B-y"], ["B-x"]], [["B-x"], ["B-x"], ["B-y"], ["O"]]
    few, many = (score_tags([row(t) for t in gold * n], found * n) for n in (3, 30))
    for name in ("f1", "precision", "recall", "macro_f1", "token_accuracy"):
        narrow, wide = many.intervals[name], few.intervals[name]
        assert narrow.low <= getattr(many, name) <= narrow.high
        assert narrow.high - narrow.low < wide.high - wide.low


def test_mistakes_are_marked_the_worst_first() -> None:
    examples = [
        row(["O", "B-place", "I-place", "O"], "to New York today", 1),
        row(["B-time", "O"], "tomorrow then", 2),
        row(["B-place", "O"], "Rome then", 3),
    ]
    found = [["O", "O", "B-place", "B-time"], ["O", "O"], ["B-place", "O"]]
    first, second = score_tags(examples, found).mistakes
    assert (first.where, second.where) == ("rows.jsonl:1", "rows.jsonl:2")
    assert first.pieces == [
        ("to", ""), (" ", ""), ("New", "missed"), (" ", ""), ("York", "both"), (" ", ""), ("today", "spurious"),
    ]  # fmt: skip
    assert [(e.type, e.text) for e in first.missed] == [("place", "New York")]
    assert [(e.type, e.text) for e in first.spurious] == [("place", "York"), ("time", "today")]
    assert second.pieces == [("tomorrow", "missed"), (" ", ""), ("then", "")]


def test_counts_are_by_row() -> None:
    examples = [row(["B-x", "O"]), row(["B-y", "B-y"])]
    [f1, *others] = tag_results(examples, [["B-x", "B-y"], ["B-y", "I-y"]])
    assert f1.sums is not None
    assert f1.sums.rows_NS.tolist() == [[1, 2, 1], [0, 1, 2]]
    names = ["entity F1", "precision", "recall", "macro F1", "token accuracy"]
    assert [result.metric.name for result in (f1, *others)] == names
    plain = tag_results(examples, [["B-x", "B-y"], ["B-y", "I-y"]], plain=True)
    assert [(result.metric.name, result.value) for result in plain] == [("token accuracy", 0.5), ("macro F1", 3 / 8)]


def test_two_ways_of_tagging() -> None:
    examples = [row(["B-x", "O"], n=n) for n in range(6)]
    right, wrong = [["B-x", "O"]] * 6, [["O", "O"]] * 6
    assert tags_p_value(examples, right, right) == 1.0
    # Two of the 64 ways to exchange the answers of six rows are as far apart.
    assert tags_p_value(examples, right, wrong) == pytest.approx(2 / 64, abs=0.006)
    assert tags_p_value(examples, right, wrong, plain=True) == pytest.approx(2 / 64, abs=0.006)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([], "There are no examples to score. Check that the data file has rows."),
        ([TaggedExample({"tokens": "a"}, None, "rows.jsonl:4", tokens=("a",))],
         "rows.jsonl:4: this row has no tags. Scoring needs rows with tags."),
    ],
)  # fmt: skip
def test_what_cannot_be_scored(examples: list[TaggedExample], message: str) -> None:
    with pytest.raises(TrimtabError) as caught:
        score_tags(examples, [["O"]] * len(examples))
    assert str(caught.value) == message
