"""Answers of records in every form that data sets have them, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trimtab.data.records import Record, read_all
from trimtab.data.spans.answers import column_of, read_spans
from trimtab.errors import DataError

CONTEXT = "Oslo has a fjord, and Oslo is cold."


def read(column: str = "answers", **values: Any) -> list[tuple[str, Any]] | None:
    found = read_spans(Record(values, "r:1"), column, "answer_start", CONTEXT)
    return found and list(zip(found.texts, [one and one.place for one in found.found], strict=True))


@pytest.mark.parametrize(
    "values",
    [
        {"answers": {"text": ["Oslo"], "answer_start": [22]}},
        {"answers": {"text": "Oslo", "answer_start": 22}},
        {"answers": {"text": ["Oslo"], "start": ["22"]}},
        {"answers": [{"text": "Oslo", "answer_start": 22.0}]},
        {"answers": ["Oslo"], "answer_start": [22]},
        {"answers": '{"text": ["Oslo"], "answer_start": [22]}'},
        {"answers": '["Oslo"]', "answer_start": "[22]"},
        {"answer": "Oslo", "answer_start": "22"},
        {"answer": "Oslo", "answer_start": 22, "is_impossible": "False"},
        {"answer": "Oslo", "answer_start": 21},
    ],
    ids=str,
)
def test_forms_of_one_answer(values: dict[str, Any]) -> None:
    assert read(**values) == [("Oslo", (22, 26))]


def test_answers_without_starts_and_several_of_them() -> None:
    assert read(answer="cold") == [("cold", (30, 34))]
    assert read(answers=["Oslo", "a fjord", "Oslo", "Bergen"]) == [
        ("Oslo", (0, 4)), ("a fjord", (9, 16)), ("Bergen", None),
    ]  # fmt: skip
    assert read(answers={"text": ["Oslo", "Oslo"], "answer_start": [0, 22]}) == [("Oslo", (0, 4)), ("Oslo", (22, 26))]
    assert read(answers={"text": ["cold"], "answer_start": [-1]}) == [("cold", (30, 34))]
    assert read(answer=5) == [("5", None)]
    assert read("reply", reply="cold", answers=["Oslo"]) == [("cold", (30, 34))]


@pytest.mark.parametrize(
    "values",
    [
        {"answers": []}, {"answers": "[]"}, {"answers": {"text": [], "answer_start": []}},
        {"answers": {"text": None}}, {"answer": "", "answer_start": -1}, {"is_impossible": True},
        {"is_impossible": "true", "answers": ["cold"]}, {"is_impossible": 1, "answer": None},
    ],
    ids=str,
)  # fmt: skip
def test_no_answer(values: dict[str, Any]) -> None:
    assert read(**values) == []


@pytest.mark.parametrize("values", [{}, {"answers": None}, {"answer": ""}, {"answer": " ", "is_impossible": False}])
def test_not_labelled(values: dict[str, Any]) -> None:
    assert read(**values) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"answers": {"answer_start": [0]}}, "r:1: column 'answers' holds an answer without a text. "
         'Write {"text": ["..."], "answer_start": [0]}, or a text alone.'),
        ({"answers": ["a", " "]}, "r:1: answer 2 of 2 in column 'answers' is empty. "
         "Take it out, or write it; [] says that there is no answer."),
        ({"answers": {"text": ["a"], "answer_start": [0, 1]}}, "r:1: answers in column 'answers': 1, but starts in "
         "'answer_start': 2. Give each answer one start, or leave all of them out."),
        ({"answer": "a", "answer_start": "first"}, "r:1: 'answer_start' is \"first\", expected the number of the "
         "answer's first character. Correct the row, or leave it out."),
        ({"answer": "a", "answer_start": True}, "r:1: 'answer_start' is true, expected the number of the answer's "
         "first character. Correct the row, or leave it out."),
        ({"answers": [["a"]]}, "r:1: column 'answers' holds a list, expected text or a number. "
         "Name another column, or turn this one into text."),
        ({"answers": [{"text": "a"}, "b"]}, "r:1: column 'answers' holds an answer without a text. "
         'Write {"text": ["..."], "answer_start": [0]}, or a text alone.'),
    ],
)  # fmt: skip
def test_what_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(**values)
    assert str(caught.value) == message


def test_the_column_of_the_answers() -> None:
    assert column_of(Record({"answer": 1}, "r:1"), "answers") == "answer"
    assert column_of(Record({"answer": 1, "answers": 2}, "r:1"), "answers") == "answers"
    assert column_of(Record({"answer": 1}, "r:1"), "reply") == "reply"


def test_files_of_squad(tmp_path: Path) -> None:
    asked = [
        {"id": "1", "question": "Where?", "answers": [{"text": "Oslo", "answer_start": 22}], "is_impossible": False},
        {"id": "2", "question": "Why?", "answers": [], "is_impossible": True,
         "plausible_answers": [{"text": "cold", "answer_start": 30}]},
    ]  # fmt: skip
    made = {"version": "v2.0", "data": [{"title": "t", "paragraphs": [{"context": CONTEXT, "qas": asked}]}]}
    (tmp_path / "train-v2.0.json").write_text(json.dumps(made), encoding="utf-8")
    records = read_all("train-v2.0.json", base=tmp_path)
    found = [read_spans(record, "answers", "answer_start", str(record.get("context"))) for record in records]
    assert [one and (one.texts, one.places) for one in found] == [(("Oslo",), ((22, 26),)), ((), ())]
