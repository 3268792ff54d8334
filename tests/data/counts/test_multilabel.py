"""What is said of sets of labels."""

from __future__ import annotations

from typing import Any

import pytest

from trimtab.data.counts.answers import NoAnswers
from trimtab.data.counts.multilabel import MultiLabelCounts, count_label_sets
from trimtab.data.example import MultiLabelExample


def counted(*sets: tuple[str, ...] | None) -> Any:
    return count_label_sets([MultiLabelExample({}, None, "r:1", labels=labels) for labels in sets])


def test_sets_are_counted() -> None:
    counts = counted(("a", "b"), ("b", "a"), ("b",), (), None)
    assert counts == MultiLabelCounts({"b": 3, "a": 2}, rows=4, without=1, most=2, sets=3)
    assert counts.in_words() == "2 labels, 1.25 a row and 2 at most, 1 row without one, 3 different sets"
    assert counts.table(1) == [("b", "3", "75.0%"), ("... and 1 more", "", "")]
    assert counts.to_dict() == {
        "labels": {"b": 3, "a": 2}, "distinct_labels": 2,
        "label_sets": {"a_row": 1.25, "most": 2, "without": 1, "distinct": 3},
    }  # fmt: skip
    assert counts.conflict.found == "{texts} with different sets of labels"
    assert counted(None) == NoAnswers()


def test_what_is_lopsided() -> None:
    assert counted(("a",), ("a", "b")).balance() == [
        "label 'a' fits every row. Leave it out, or add rows that it does not fit."
    ]
    few = [("a",)] * 49 + [("b",), ("c", "d", "e")]
    assert counted(*few).balance() == [
        "fewer than 5 rows with 'b', 'c', 'd' and 1 more. Add some, or little is learnt of them."
    ]
    assert counted(*few[3:]).balance() == []


@pytest.mark.parametrize(
    ("known", "warnings"),
    [
        (None, ["labels that look alike: 'Price' (1) and 'price' (1). If two are one, write them alike."]),
        (
            ["price"],
            [
                "label 'Price' not in train. Add training rows for it, or correct the label.",
                "labels that look alike: 'Price' (1) and 'price' (1). If two are one, write them alike.",
            ],
        ),
    ],
)
def test_what_looks_wrong(known: list[str] | None, warnings: list[str]) -> None:
    assert counted(("price",), ("Price",)).warnings(known) == warnings
    assert counted(("price",)).known == {"price": 1}
