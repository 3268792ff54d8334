"""JSON documents: arrays, and the forms that published sets and pandas have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest

from reading import error, values
from trimtab.data import MESSAGES, BadRecord, Record, read_examples, read_records
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import TextAnswer
from trimtab.settings.task import DataSettings

Write = Callable[[str, bytes], Path]
ROWS = [{"text": "a", "label": 1}, {"text": "好", "label": 0}]
HINT = 'Write a list of objects, [{"text": "...", "label": "..."}, ...], or one object a line (.jsonl).'
TEXT = kind_of(TextAnswer())


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize(
    "document",
    [
        ROWS,
        {"data": ROWS},
        {"version": "1.1", "examples": ROWS},
        {"text": {"0": "a", "1": "好"}, "label": {"0": 1, "1": 0}},
    ],
    ids=["array", "data", "examples", "columns"],
)
def test_documents(write: Write, name: str, indent: int | None, document: object) -> None:
    base = write(name, f"\n{json.dumps(document, indent=indent)}\n".encode())
    assert list(read_records(name, base=base)) == [Record(row, f"{name}:{i}") for i, row in enumerate(ROWS, 1)]


@pytest.mark.parametrize("orient", ["records", "columns"])
def test_what_pandas_writes(tmp_path: Path, orient: Any) -> None:
    pandas.DataFrame(ROWS).to_json(tmp_path / "a.json", orient=orient)
    assert values("a.json", tmp_path) == ROWS
    pandas.DataFrame(ROWS).to_json(tmp_path / "b.json", orient="records", lines=True)
    assert values("b.json", tmp_path) == ROWS


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "a"}], "id": 3},
        {"conversations": [{"from": "human", "value": "a"}]},
        {"translation": {"en": "a", "de": "b"}, "meta": {"en": 1, "de": 2}},
        {"tokens": ["a"], "tags": ["O"]},
        {"text": "a"},
        {"data": "a", "label": "b"},
        {},
    ],
)
def test_a_row_alone_is_a_row(write: Write, row: dict[str, object]) -> None:
    for indent in (None, 2):
        assert values("a.json", write("a.json", json.dumps(row, indent=indent).encode())) == [row]


def test_an_array_with_a_value_that_is_no_row(write: Write) -> None:
    base = write("a.json", b'[{"text": "a"}, 3, {"text": "b"}]')
    message = f"a.json:2: found a JSON number in the list, expected an object. {HINT}"
    assert error("a.json", base) == message
    assert list(read_records("a.json", base=base, tolerant=True)) == [
        Record({"text": "a"}, "a.json:1"), BadRecord("a.json:2", message, "3"), Record({"text": "b"}, "a.json:3"),
    ]  # fmt: skip


def test_an_array_that_is_damaged(write: Write) -> None:
    base = write("a.json", b'[\n {"text": "a"},\n {"text": "b"\n')
    assert error("a.json", base) == f"a.json:4: not valid JSON (Expecting ',' delimiter, column 1). {HINT}"
    assert error("a.json", write("a.json", b"[" * 100_000)) == (
        f"a.json:1: not valid JSON (a number is too long or the nesting too deep). {HINT}"
    )


def test_published_sets(write: Write) -> None:
    """The forms of tatsu-lab/alpaca_data.json and of ShareGPT's exports."""
    alpaca = [{"instruction": "Add.", "input": "1 + 1", "output": "2"}]
    shared = [{"id": "x_0", "conversations": [{"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Hello."}]}]
    for rows, asked, answer in ((alpaca, "Add.\n\n1 + 1", "2"), (shared, "Hi.", "Hello.")):
        base = write("set.json", json.dumps(rows, indent=4).encode())
        [found] = read_examples("set.json", [MESSAGES], DataSettings(), TEXT, base=base)
        assert json.loads(found.fields[MESSAGES]) == [{"role": "user", "content": asked}]
        assert found.answer == answer


def test_squad(write: Write) -> None:
    """The form of train-v2.0.json (https://rajpurkar.github.io/SQuAD-explorer/), rows as the hub has them."""
    questions = [
        {"question": "Who?", "id": "1", "answers": [{"text": "Ann", "answer_start": 0}, {"text": "Ann B",
         "answer_start": 0}], "is_impossible": False},
        {"question": "Why?", "id": "2", "answers": [], "plausible_answers": [{"text": "So", "answer_start": 2}],
         "is_impossible": True},
    ]  # fmt: skip
    article = {"title": "Ann", "paragraphs": [{"context": "Ann B. So.", "qas": questions}]}
    base = write("squad.json", json.dumps({"version": "v2.0", "data": [article]}).encode())
    assert values("squad.json", base) == [
        {"title": "Ann", "context": "Ann B. So.", "question": "Who?", "id": "1", "is_impossible": False,
         "answers": {"text": ["Ann", "Ann B"], "answer_start": [0, 0]}},
        {"title": "Ann", "context": "Ann B. So.", "question": "Why?", "id": "2", "is_impossible": True,
         "answers": {"text": [], "answer_start": []}},
    ]  # fmt: skip
    data = DataSettings(label="answers.text")
    found = read_examples("squad.json", ["context", "question"], data, TEXT, base=base, need_answer=False)
    assert [example.references for example in found] == [("Ann", "Ann B"), ()]


def test_lines_that_only_begin_like_a_document_are_lines(write: Write) -> None:
    base = write("a.jsonl", b'{"text": [\n{"text": "a"}\n')
    found = list(read_records("a.jsonl", base=base, tolerant=True))
    assert [type(row) for row in found] == [BadRecord, Record]
