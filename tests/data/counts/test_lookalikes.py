"""Names that look alike: a word for slips and for other ways to write one, none for what is meant to differ."""

from __future__ import annotations

import pytest

from trimtab.data.counts.labels import count_labels
from trimtab.data.counts.lookalikes import lookalikes
from trimtab.data.example import Example, TaggedExample
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import LABEL, TagsAnswer


@pytest.mark.parametrize(
    ("one", "two", "rows"),
    [
        ("positive", "Positive", 40),
        ("positive", "positive.", 40),
        ("very good", "very_good", 40),
        ("very\u00a0good", "very good", 40),
        ("café", "cafe\u0301", 40),  # NFC and NFD
        ("ＯＫ", "ok", 40),  # full width
        ("posi\u200btive", "positive", 40),
        ("positive", "postive", 2),
        ("positive", "posiitve", 2),
        ("positive", "positives", 2),
        ("नमस्ते", "नमसते", 2),
    ],
)
def test_one_name_written_in_two_ways(one: str, two: str, rows: int) -> None:
    assert len(lookalikes({one: 50, two: rows, "other": 50}, "labels")) == 1


@pytest.mark.parametrize(
    ("one", "two", "rows"),
    [
        ("+", "-", 40),
        ("level 1", "level 2", 2),
        ("class a", "class b", 2),
        ("male", "female", 2),
        ("likely", "unlikely", 2),
        ("affect", "effect", 40),  # both are common: no slip
        ("neg", "net", 1),  # short
        ("की", "कि", 40),  # other vowel signs
        ("好", "不好", 2),
    ],
)
def test_names_that_are_meant_to_differ(one: str, two: str, rows: int) -> None:
    assert lookalikes({one: 50, two: rows}, "labels") == []


def test_the_message_names_pairs_the_commoner_first() -> None:
    labels = ["positive"] * 20 + ["Positive"] + ["postive"] + ["negative"] * 20
    assert lookalikes({label: labels.count(label) for label in labels}, "labels") == [
        "labels that look alike: 'positive' (20) and 'Positive' (1), 'positive' (20) and 'postive' (1). "
        "If two are one, write them alike."
    ]
    assert count_labels(labels, 42).warnings(None) == lookalikes(count_labels(labels, 42).labels, "labels")
    many = {f"{word}{end}": 5 for word in "abcde" for end in ("", ".")}
    assert lookalikes(many, "tags") == [
        "tags that look alike: 'a' (5) and 'a.' (5), 'b' (5) and 'b.' (5), 'c' (5) and 'c.' "
        "(5) and 2 more pairs. If two are one, write them alike."
    ]


def test_many_names_are_compared_in_little_time() -> None:
    names = {f"name {i:04}": 1 for i in range(2000)} | {"NAME 0007": 1}
    assert len(lookalikes(names, "labels")) == 1


def test_kinds_tell_of_labels_and_of_types() -> None:
    rows = [Example({"text": "a"}, answer, "here") for answer in ("good", "Good", None)]
    assert kind_of(LABEL).lookalikes(rows) == [
        "labels that look alike: 'Good' (1) and 'good' (1). If two are one, write them alike."
    ]
    tagged = TaggedExample({"tokens": "a b"}, "", "here", "", ("a", "b"), ("B-loc", "B-LOC"))
    assert kind_of(TagsAnswer()).lookalikes([tagged]) == [
        "types of entity that look alike: 'LOC' (1) and 'loc' (1). If two are one, write them alike."
    ]
