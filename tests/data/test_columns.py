"""Columns within columns: dotted names lead to them wherever a column is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tiny
from trimtab.data import MESSAGES, Record, load_splits, to_example
from trimtab.errors import DataError
from trimtab.kinds.choose import kind_of
from trimtab.settings.file import make_task
from trimtab.settings.task import DataSettings

HERE = "a.jsonl:3"


def read(values: dict[str, object], fields: list[str], answer: Any = "label", **data: object) -> Any:
    task = make_task({"answer": answer, "data": data})
    return to_example(Record(values, HERE), fields, task.data, kind_of(task.answer), need_answer=True)


@pytest.mark.parametrize(
    ("values", "column", "found"),
    [
        ({"translation": {"en": "a"}}, "translation.en", "a"),
        ({"translation.en": "b", "translation": {"en": "a"}}, "translation.en", "b"),
        ({"a": {"b.c": {"d": 1}}}, "a.b.c.d", 1),
        ({"answers": [{"text": "a"}, {"text": "b"}]}, "answers.text", ["a", "b"]),
        ({"answers": [{"text": "a"}, {"text": "b"}]}, "answers.1.text", "b"),
        ({"answers": {"text": ["a", "b"]}}, "answers.text", ["a", "b"]),
        ({"answers": {"text": ["a", "b"]}}, "answers.text.0", "a"),
        ({"answers": '{"text": ["a"]}'}, "answers.text", ["a"]),
        ({"answers": None}, "answers.text", None),
        ({"answers": []}, "answers.text", []),
    ],
)
def test_what_a_dotted_name_leads_to(values: dict[str, object], column: str, found: object) -> None:
    record = Record(values, HERE)
    assert record.has(column)
    assert record.get(column) == found


@pytest.mark.parametrize(
    "column", ["translation.de", "text.en", "answers.9.text", "answers.label", "none", "n.1", "j.a"]
)
def test_what_it_does_not_lead_to(column: str) -> None:
    record = Record({"translation": {"en": "a"}, "text": "b", "answers": [{"text": "c"}], "n": 1, "j": "{broken"}, HERE)
    assert not record.has(column)
    assert record.get(column) is None


def test_fields_answers_and_groups() -> None:
    row: dict[str, object] = {"translation": {"en": "a", "de": "b"}, "meta": {"writer": "Ann"}}
    example = read(
        row, ["text"], columns={"text": "translation.en"}, label="translation.de", group="meta.writer", answer="text"
    )
    assert (example.fields, example.references, example.group) == ({"text": "a"}, ("b",), "Ann")
    assert (
        read({"x": {"text": "a"}, "y": {"label": 1}}, ["text"], columns={"text": "x.text"}, label="y.label").answer
        == "1"
    )


def test_options_tokens_tests_and_dialogues() -> None:
    choices: dict[str, object] = {
        "question": "q",
        "choices": {"text": ["a", "b"], "label": ["A", "B"]},
        "answerKey": "B",
    }
    found = read(
        choices, ["question"], {"kind": "choice", "options": "choices.text", "by": "letter"}, label="answerKey"
    )
    assert (found.options, found.answer) == (("a", "b"), "b")
    tagged: dict[str, object] = {"words": {"form": ["a", "b"], "ner": ["O", "B-x"]}}
    found = read(tagged, ["tokens"], {"kind": "tags", "tokens": "words.form"}, label="words.ner") if False else None
    chat: dict[str, object] = {
        "chat": {"turns": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    }
    found = read(chat, [MESSAGES], "text", columns={"messages": "chat.turns"})
    assert (json.loads(found.fields[MESSAGES]), found.answer) == ([{"role": "user", "content": "a"}], "b")
    found = read({"text": "a", "label": "b", "test": {"code": "c"}}, ["text"], {"kind": "text", "tests": "test.code"})
    assert found.tests == "c"


def test_columns_that_are_missing_are_named_with_those_within() -> None:
    with pytest.raises(DataError) as caught:
        read({"id": 1, "translation": {"en": "a", "de": "b"}}, ["text"], columns={"text": "translation.fr"})
    assert str(caught.value) == (
        f"{HERE}: no column 'translation.fr' for the field 'text'; the columns are id, translation.en, translation.de. "
        "Did you mean 'translation.en'?"
    )


def test_splits_of_nested_rows(tmp_path: Path) -> None:
    tiny.write_rows(
        tmp_path / "a.jsonl",
        [{"x": {"text": f"{i}"}, "y": {"label": i % 2}, "z": {"group": i // 4}} for i in range(40)],
    )
    data = DataSettings(train="a.jsonl", columns={"text": "x.text"}, label="y.label", group="z.group")
    splits = load_splits(data, ["text"], kind_of(make_task({}).answer), base=tmp_path)
    assert not {e.group for e in splits.train} & {e.group for e in splits.dev}
