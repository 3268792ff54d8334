"""Entities that tags mark, against seqeval; counts of them, and F1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities

from trimtab.data.tags import as_bio, f1, hits, spans

KINDS = st.sampled_from(["A", "B-x", "O"])


def tags(prefixes: str) -> st.SearchStrategy[list[str]]:
    inside = st.builds("{}-{}".format, st.sampled_from(prefixes), KINDS)
    return st.lists(st.just("O") | inside, min_size=1, max_size=12)


@given(tags("BI"))
def test_entities_are_those_of_seqeval(given_tags: list[str]) -> None:
    bio, mended = as_bio(given_tags)
    expected = [(kind, start, end + 1) for kind, start, end in get_entities(given_tags)]
    assert [tuple(span) for span in spans(bio)] == expected
    assert [tag for i, tag in enumerate(bio) if i not in mended] == [
        tag for i, tag in enumerate(given_tags) if i not in mended
    ]
    assert as_bio(bio) == (bio, [])


@given(tags("BIES"))
def test_entities_of_bioes_are_those_of_seqeval(given_tags: list[str]) -> None:
    expected = [(kind, start, end + 1) for kind, start, end in get_entities(given_tags)]
    assert [tuple(span) for span in spans(as_bio(given_tags)[0])] == expected


def test_plain_tags_are_each_one_of_their_own() -> None:
    assert spans(["PRP", "O"], plain=True) == [("PRP", 0, 1), ("O", 1, 2)]


def test_what_had_not_begun_begins() -> None:
    assert as_bio(["I-x", "I-x", "O", "I-y", "B-y", "I-x"]) == (
        ["B-x", "I-x", "O", "B-y", "B-y", "B-x"], [0, 3, 5],
    )  # fmt: skip
    assert as_bio(["S-x", "E-x", "B-x", "E-x", "E-x"]) == (["B-x", "B-x", "B-x", "I-x", "B-x"], [1, 4])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning", "ignore::UserWarning")
@given(st.data(), st.integers(1, 12))
def test_counts_of_entities_give_the_f1_of_seqeval(data: st.DataObject, size: int) -> None:
    inside = st.builds("{}-{}".format, st.sampled_from("BI"), KINDS)
    gold, said = (data.draw(st.lists(st.just("O") | inside, min_size=size, max_size=size)) for _ in range(2))
    found, predicted, there = hits(spans(as_bio(gold)[0]), spans(as_bio(said)[0]))
    assert f1(found, predicted, there) == pytest.approx(f1_score([gold], [said], zero_division=0))
