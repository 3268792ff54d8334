"""Entities that tags mark, against seqeval; counts of them, and F1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities

from trimtab.data import Record
from trimtab.data.tags.tagged import read_tags
from trimtab.data.tags.tags import as_bio, f1, hits, in_bio, parted, spans
from trimtab.settings.answers import TagsAnswer

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


ENTITIES = [(0, 1), (1, 4), (5, 7)]  # of the types a, a and b, among 8 tokens
WRITTEN = {
    "bio": ["B-a", "B-a", "I-a", "I-a", "O", "B-b", "I-b", "O"],
    "bioes": ["S-a", "B-a", "I-a", "E-a", "O", "B-b", "E-b", "O"],
    "bilou": ["U-a", "B-a", "I-a", "L-a", "O", "B-b", "L-b", "O"],
    "bmes": ["S-a", "B-a", "M-a", "E-a", "O", "B-b", "E-b", "O"],
}


@pytest.mark.parametrize("scheme", WRITTEN)
@pytest.mark.parametrize("form", ["{0}-{1}", "{1}-{0}", "{0}_{1}", "{1}_{0}", "{0}"])
def test_schemes_and_forms_mark_the_same_entities(scheme: str, form: str) -> None:
    """By hand; bare letters leave the type open."""
    given_tags = [tag if tag == "O" else form.format(*tag.split("-")) for tag in WRITTEN[scheme]]
    bio, mended = as_bio(given_tags)
    types = ["a", "a", "b"] if "1" in form else ["entity"] * 3
    assert [tuple(span) for span in spans(bio)] == [(t, *ends) for t, ends in zip(types, ENTITIES, strict=True)]
    assert mended == []
    row = {"tokens": list("abcdefgh"), "tags": given_tags}
    for name in ("auto", scheme):
        tags = read_tags(Record(row, "here"), "tags", TagsAnswer(scheme=name), tuple("abcdefgh"))
        assert tags is not None
        assert tags.bio == tuple(bio)


@pytest.mark.parametrize(
    ("tag", "parts"),
    [
        ("B-geo-loc", ("B", "geo-loc")), ("geo-loc-B", ("B", "geo-loc")), ("B-I", ("B", "I")), ("I", ("I", "entity")),
        ("B-geo_B", ("B", "geo_B")), ("place", None), ("X-place", None), ("B-", None), ("-B", None), ("O", None),
    ],
)  # fmt: skip
def test_letter_and_type_of_a_tag(tag: str, parts: tuple[str, str] | None) -> None:
    assert parted(tag) == parts


def test_tags_that_there_are_in_bio() -> None:
    assert in_bio(["O", "B", "I"]) == ["O", "B-entity", "I-entity"]
    assert in_bio(["O", "B-a", "I-a", "E-a", "S-a"]) == ["O", "B-a", "I-a"]


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
