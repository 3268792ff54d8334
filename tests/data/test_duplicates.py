"""Which examples count as the same text, and which belong together."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from trimtab.data import Example
from trimtab.data.duplicates import group_by_text, kin, text_key
from trimtab.data.example import ChoiceExample


def example(text: str, group: str = "") -> Example:
    return Example({"text": text}, "a", "a.jsonl:1", group=group)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Good film.", " good\u3000\n FILM. ", True),
        ("Straße", "STRASSE", True),
        ("a b", "ab", False),
        ("好吃", "好 吃", False),
    ],
)
def test_texts_that_differ_in_case_and_white_space_are_the_same(first: str, second: str, same: bool) -> None:
    assert (text_key(example(first)) == text_key(example(second))) is same


def test_fields_and_options_count_by_name_and_in_order() -> None:
    pair = Example({"a": "x", "b": "y"}, None, "1")
    assert text_key(pair) == text_key(Example({"b": "Y", "a": "X"}, "label", "2"))
    assert text_key(pair) != text_key(Example({"a": "y", "b": "x"}, None, "1"))
    assert text_key(Example({"a": "x y", "b": ""}, None, "1")) != text_key(Example({"a": "x", "b": "y"}, None, "1"))
    asked = ChoiceExample({"a": "x"}, None, "1", options=("p", "q"))
    assert text_key(asked) != text_key(ChoiceExample({"a": "x"}, None, "1", options=("q", "p")))
    assert text_key(Example({"a": " ", "b": "\n"}, None, "1")) == ""


def test_groups_stand_in_order_of_appearance() -> None:
    groups = group_by_text([example(text) for text in ("b", "a", "B ", "c", "A")])
    assert list(groups.values()) == [[0, 2], [1, 4], [3]]


def test_kin_of_kin_are_kin() -> None:
    pairs = zip(["one", "two", "two", "three", "four"], ["p", "p", "q", "r", "r"], strict=True)
    assert kin([example(text, group) for text, group in pairs]) == [[3, 4], [0, 1, 2]]


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["", *"pqrstu"])), max_size=30))
def test_kin_are_the_connected_components(rows: list[tuple[str, str]]) -> None:
    examples = [example(text, group) for text, group in rows]
    joined = np.zeros((len(rows), len(rows)), dtype=bool)
    for i, j in combinations(range(len(rows)), 2):
        joined[i, j] = rows[i][0] == rows[j][0] or rows[i][1] == rows[j][1] != ""
    number, component = connected_components(joined, directed=False) if rows else (0, [])
    expected = [[i for i, own in enumerate(component) if own == k] for k in range(number)]
    found = kin(examples)
    assert sorted(found) == sorted(expected)
    assert found == sorted(found, key=lambda positions: min(rows[i][0] for i in positions))
