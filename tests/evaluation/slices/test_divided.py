"""Rows divided into parts: by length, right answer and column."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from trimtab.data.example import ChoiceExample, Example, MultiLabelExample
from trimtab.evaluation.slices.divided import MANY_NUMBERS, MOST_VALUES, Division, Part, divisions


def rows(values: Sequence[str], column: str = "source") -> list[Example]:
    return [Example({"text": "same"}, "a", f"r:{i}", slices={column: value}) for i, value in enumerate(values)]


def by_value(values: Sequence[str]) -> dict[str, int]:
    [division] = divisions(rows(values), ["a"])
    assert (division.by, division.column) == ("column", "source")
    found = sorted(place for part in division.parts for place in part.rows)
    assert found == list(range(len(values)))
    return {part.name: len(part.rows) for part in division.parts}


def test_length_in_thirds() -> None:
    examples = [Example({"text": "x" * n, "title": ""}, "a", f"r:{n}") for n in (1, 2, 3, 4, 5, 1_200)]
    assert divisions(examples, ["a"]) == [
        Division("length", "", (
            Part("2 to 3 characters", (0, 1)), Part("4 to 5 characters", (2, 3)), Part("6 to 1,201 characters", (4, 5)),
        )),
    ]  # fmt: skip


def test_options_of_a_choice_count_for_its_length() -> None:
    examples = [
        ChoiceExample({"text": "?"}, o[0], "r", options=o) for o in [("a", "b"), ("aaaa", "b"), ("a", "bbbbbb")]
    ]
    [division] = divisions(examples, ["option 1"])
    assert [part.name for part in division.parts] == ["3 characters", "6 characters", "8 characters"]


@pytest.mark.parametrize(("lengths", "names"), [
    ([5, 5, 5, 5], None), ([5, 5, 5, 9], ["5 characters", "9 characters"]),
    ([1, 5, 5, 5], ["1 to 5 characters"]), ([3], None),
])  # fmt: skip
def test_inputs_of_the_same_length_stay_together(lengths: list[int], names: list[str] | None) -> None:
    found = divisions([Example({"text": "x" * n}, "a", "r") for n in lengths], ["a"])
    assert [part.name for division in found for part in division.parts] == (names if names and len(names) > 1 else [])


def test_right_answers() -> None:
    examples = [Example({"text": "x"}, label, "r") for label in "abba"]
    assert divisions(examples, ["a", "b", "c"]) == [Division("answer", "", (Part("a", (0, 3)), Part("b", (1, 2))))]


def test_a_row_with_several_labels_is_in_several_parts() -> None:
    examples = [MultiLabelExample({"text": "x"}, "", "r", labels=own) for own in [("a", "b"), ("b",), ()]]
    assert divisions(examples, ["a", "b"]) == [Division("answer", "", (Part("a", (0,)), Part("b", (0, 1))))]


def test_values_of_a_column_the_commonest_first() -> None:
    assert by_value(["web", "mail", "web", "", "3"]) == {"web": 2, "": 1, "3": 1, "mail": 1}
    assert divisions(rows(["web", "web"]), ["a"]) == []


def test_rare_values_are_put_together() -> None:
    values = [f"v{i}" for i in range(30)] + ["web"] * 5
    found = by_value(values)
    assert len(found) == MOST_VALUES
    assert next(iter(found.items())) == ("web", 5)
    assert list(found.items())[-1] == ("12 other values", 12)


def test_many_different_numbers_are_put_into_thirds() -> None:
    few = [str(i) for i in range(MANY_NUMBERS - 1)]
    assert set(by_value(few)) == set(few)
    found = by_value([*(f"{i / 7}" for i in range(21)), "", ""])
    assert found == {"0 to 0.8571": 7, "1 to 1.857": 7, "2 to 2.857": 7, "": 2}
    assert len(by_value([*map(str, range(15)), "nan"])) == 16
