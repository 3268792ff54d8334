"""Counts of labels, and what is said of those that look wrong."""

from __future__ import annotations

import pytest

from trimtab.data.counts.answers import Advice
from trimtab.data.counts.labels import LabelCounts, count_labels

DECIDE = Advice("{texts} with different labels", "Decide on one label for each.")


def test_the_commonest_come_first_and_equal_ones_by_name() -> None:
    assert count_labels(["b", "a", "c", "c"], 5) == LabelCounts({"c": 2, "a": 1, "b": 1}, 3, 5)
    assert count_labels([], 0) == LabelCounts({}, 0, 0)


def test_two_hundred_are_kept() -> None:
    counts = count_labels([f"{i:03}" for i in range(201)] * 3, 603)
    assert (list(counts.labels), counts.distinct) == ([f"{i:03}" for i in range(200)], 201)
    assert (counts.in_words(), counts.known) == ("201 labels", None)
    assert counts.to_dict() == {"labels": counts.labels, "distinct_labels": 201}


def test_the_table_says_how_many_more_there_are() -> None:
    counts = LabelCounts({"a": 1500, "b": 450, "c": 50}, 3, 2001)
    assert counts.table(2) == [("a", "1,500", "75.0%"), ("b", "450", "22.5%"), ("... and 1 more", "", "")]
    assert counts.table(3) == [("a", "1,500", "75.0%"), ("b", "450", "22.5%"), ("c", "50", "2.5%")]
    assert LabelCounts({"a": 2}, 300, 1000).table(1) == [("a", "2", "0.2%"), ("... and 299 more", "", "")]
    assert LabelCounts({}, 0, 0).table(9) == []


@pytest.mark.parametrize(
    ("labels", "distinct", "found"),
    [
        ({"a": 9, "b": 1}, 2, []),
        ({"a": 10, "b": 1}, 2, ["'a' has 10 rows, 'b' only 1. Look at macro-F1, not accuracy alone."]),
        ({"a": 10, "b": 1}, 201, []),  # of more labels than are kept the rarest is not known
        ({"a": 3}, 1, ["every row has the label 'a'. Add rows with other labels."]),
        ({}, 0, []),
    ],
)
def test_balance(labels: dict[str, int], distinct: int, found: list[str]) -> None:
    assert LabelCounts(labels, distinct, 1000).balance() == found


def test_labels_that_train_lacks() -> None:
    counts = LabelCounts({"a": 2, "b": 1, "c": 1}, 3, 9)
    known = LabelCounts({"a": 9, "b": 9}, 2, 18).known
    assert counts.warnings(known) == ["label 'c' not in train. Add training rows for it, or correct the label."]
    assert counts.warnings(["b"]) == [
        "label 'a' and 1 more not in train. Add training rows for it, or correct the label."
    ]
    assert counts.warnings(None) == []


def test_answers_of_which_most_differ_are_no_labels() -> None:
    free, half = LabelCounts({"a": 20, "b": 1}, 11, 21), LabelCounts({"a": 20, "b": 1}, 2, 21)
    assert (free.conflict, free.balance(), free.known) == (None, [], None)
    assert (half.conflict, len(half.balance()), half.known) == (DECIDE, 1, {"a": 20, "b": 1})
    assert LabelCounts({"a": 1, "b": 1}, 2, 4).conflict == DECIDE
