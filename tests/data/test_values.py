"""Values of a record as text or lists, and what is said of those that are neither."""

from __future__ import annotations

import datetime
import json
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.data import Record
from trimtab.data.values import as_text, listed, no_column, whole
from trimtab.errors import DataError

HERE = "rows.jsonl:3"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5.0", "5.0"), ("", ""), (5, "5"), (5.0, "5"), (-0.0, "0"), (2.5, "2.5"), (True, "true"), (False, "false"),
        (None, None), (float("nan"), None), (float("inf"), "inf"), (1e300, "1e+300"), (2.0**53, "9007199254740992"),
        (2.0**54, "1.8014398509481984e+16"), (10**30, "1" + "0" * 30), (Decimal("2.50"), "2.50"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
    ],
)  # fmt: skip
def test_values_as_text(value: object, text: str | None) -> None:
    assert as_text(Record({"a": value}, HERE), "a") == text


@pytest.mark.parametrize(("value", "kind"), [([1], "a list"), ({}, "an object"), (b"x", "bytes")])
def test_values_that_are_no_text(value: object, kind: str) -> None:
    with pytest.raises(DataError) as caught:
        as_text(Record({"a": value}, HERE), "a")
    assert str(caught.value) == (
        f"{HERE}: column 'a' holds {kind}, expected text or a number. Name another column, or turn this one into text."
    )


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (["a", 1], ["a", 1]), ("[]", []), (' ["a", null]', ["a", None]), ("[to] New York", None), ("[1", None),
        ('{"a": 1}', None), ("text", None), (5, None), (None, None), (("a",), None), ("[" * 100_000, None),
    ],
)  # fmt: skip
def test_lists(value: object, found: list[object] | None) -> None:
    assert listed(value) == found


@given(st.lists(st.text(st.characters(codec="utf-8")) | st.integers() | st.booleans() | st.none()))
def test_a_list_comes_back_from_its_json(items: list[object]) -> None:
    assert listed(json.dumps(items)) == listed(items) == items


@given(st.text(st.characters(exclude_categories=[])))
def test_whole_texts_can_be_written(text: str) -> None:
    expected = ("\ufffd" if unicodedata.category(character) == "Cs" else character for character in text)
    assert whole(text) == "".join(expected)
    whole(text).encode()


def test_halves_of_surrogate_pairs() -> None:
    assert whole("a\ud83d\ude00b\udfffc") == "a\ufffd\ufffdb\ufffdc"
    assert whole("a😀") == "a😀"


def test_a_column_that_is_not_there() -> None:
    record = Record({"body": 1, "label": 2}, HERE)
    assert str(no_column(record, "bodi", "the text", "Do this.")) == (
        f"{HERE}: no column 'bodi' for the text; the columns are body, label. Did you mean 'body'?"
    )
    assert str(no_column(record, "xyz", "the text", "Do this.")) == (
        f"{HERE}: no column 'xyz' for the text; the columns are body, label. Do this."
    )
    assert str(no_column(Record({}, HERE), "xyz", "the text", "Do this.")) == (
        f"{HERE}: no column 'xyz' for the text; the columns are none. Do this."
    )
