"""Scores of tags against seqeval and scikit-learn, baselines by hand, the randomisation test, the report on tags."""

from __future__ import annotations

import itertools
import json
import re
import warnings
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import reports
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from trimtab.data import Example
from trimtab.data.tags import as_bio
from trimtab.errors import TrimtabError
from trimtab.evaluation.chance.tests import paired_f1_test
from trimtab.evaluation.scores.tags import commonest_tag, commonest_tag_of_token, entity_counts, score_tags
from trimtab.reports.files import read_report, write_report
from trimtab.reports.run_report import TagReport

INSIDE = st.builds("{}-{}".format, st.sampled_from("BI"), st.sampled_from(["x", "y", "A-b"]))
PAIRS = st.lists(
    st.lists(st.tuples(*[st.just("O") | INSIDE] * 2), min_size=1, max_size=8).map(
        lambda cells: tuple(zip(*cells, strict=True))
    ),
    min_size=1, max_size=5,
)  # fmt: skip


def row(tags: list[str] | tuple[str, ...], tokens: str = "", n: int = 1) -> Example:
    texts = tokens.split() or [f"w{i}" for i in range(len(tags))]
    return Example(
        {"tokens": " ".join(texts)}, " ".join(tags), f"rows.jsonl:{n}", tokens=tuple(texts), tags=tuple(tags)
    )


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


def test_baselines_by_hand() -> None:
    train = [row(["O", "B-x", "I-x"], "to New York"), row(["B-y", "O"], "York to"), row(["I-x", "O"], "York is")]
    judged = [row(["O"] * 4, "to York New York")]
    assert commonest_tag(train, judged) == [["O"] * 4]
    assert commonest_tag_of_token(train, judged) == [["O", "B-x", "B-x", "I-x"]]
    assert commonest_tag_of_token(train, [row(["O", "O"], "York unseen")]) == [["B-x", "O"]]
    plain = [row(["N", "N", "V"], "a b c")]
    assert commonest_tag(plain, [row(["N", "V"], "c d")], plain=True) == [["N", "N"]]
    assert commonest_tag_of_token(plain, [row(["N", "V"], "c d")], plain=True) == [["V", "N"]]


def test_the_randomisation_test_is_the_exact_one() -> None:
    """Against all 2^9 ways to swap the answers of nine rows."""
    draw = np.random.default_rng(4)
    there = draw.integers(1, 4, size=9)
    a, b = (np.stack([draw.binomial(there, share), there, there], axis=1) for share in (0.9, 0.4))

    def f1(counts: np.ndarray) -> float:
        found, given, gold = counts.sum(axis=0)
        return float(2 * found / (given + gold))

    observed, extreme = abs(f1(a) - f1(b)), 0
    for swaps in itertools.product([False, True], repeat=9):
        swap = np.array(swaps)[:, None]
        extreme += abs(f1(np.where(swap, b, a)) - f1(np.where(swap, a, b))) >= observed - 1e-12
    assert paired_f1_test(a, b) == pytest.approx(extreme / 2**9, abs=0.01)
    assert paired_f1_test(a, a) == 1


def test_counts_are_by_row() -> None:
    counts = entity_counts([row(["B-x", "O"]), row(["B-y", "B-y"])], [["B-x", "B-y"], ["B-y", "I-y"]])
    assert counts.tolist() == [[1, 2, 1], [0, 1, 2]]


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([], "There are no examples to score. Check that the data file has rows."),
        ([Example({"tokens": "a"}, None, "rows.jsonl:4", tokens=("a",))],
         "rows.jsonl:4: this row has no tags. Scoring needs rows with tags."),
    ],
)  # fmt: skip
def test_what_cannot_be_scored(examples: list[Example], message: str) -> None:
    with pytest.raises(TrimtabError) as caught:
        score_tags(examples, [["O"]] * len(examples))
    assert str(caught.value) == message


def test_the_report_on_tags(tmp_path: Path) -> None:
    report = reports.tags()
    write_report(tmp_path, report)
    assert read_report(tmp_path / "report.json") == report
    page, card = ((tmp_path / name).read_text() for name in ("report.html", "card.md"))
    assert report.tags is not None
    assert report.tags.test is not None
    f1 = f"{100 * report.tags.test.f1:.1f}%"
    assert f"<strong>{f1}</strong> entity F1 on 60 test rows" in page
    assert "Type by type" in page
    assert '<mark class="missed">' in page
    assert "Entity F1 on dev" in page
    assert "<script>" not in page
    assert f"| entity F1 | {f1} |" in card
    assert "Gives a tag for each token to texts" in card
    assert re.search(r"It finds \d+\.\d% of the entities, and \d+\.\d% of those it finds are right", card)
    assert "McNemar" not in page + card
    assert "paired randomisation test" in card
    assert json.loads((tmp_path / "report.json").read_text())["answer"] == "tags"


def test_the_report_on_plain_tags(tmp_path: Path) -> None:
    plain = reports.tags(plain=True)
    write_report(tmp_path, plain)
    page, card = ((tmp_path / name).read_text() for name in ("report.html", "card.md"))
    assert "of tokens tagged rightly on 60 test rows" in page
    assert "Tag by tag" in page
    assert "Token accuracy on dev" in page
    assert "entit" not in page.replace("identity", "") + card
    unscored = plain.model_copy(update={"tags": TagReport()})
    write_report(tmp_path, unscored)
    assert "Not scored." in (tmp_path / "card.md").read_text()
