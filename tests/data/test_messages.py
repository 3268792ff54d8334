"""Keys of dialogues' records and messages: each that means something is obeyed, refused, or named in a note."""

from __future__ import annotations

import json
from typing import Any

import pytest

import tiny
from trimtab.data import MESSAGES, Message, Record, as_field, load_splits, messages_of, to_example
from trimtab.errors import DataError
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import TextAnswer
from trimtab.settings.task import DataSettings

TEXT = kind_of(TextAnswer())
Turn = dict[str, Any]


def user(text: str, **more: object) -> Turn:
    return {"role": "user", "content": text, **more}


def assistant(text: str, **more: object) -> Turn:
    return {"role": "assistant", "content": text, **more}


def read(values: dict[str, object], answered: bool = True) -> tuple[list[Turn], str | None]:
    found = to_example(
        Record(values, "chats.jsonl:3"), [MESSAGES], DataSettings(), TEXT, need_answer=False, read_answer=answered
    )
    return json.loads(found.fields[MESSAGES]), found.answer


def refusal(values: dict[str, object]) -> str:
    with pytest.raises(DataError) as caught:
        read(values)
    return str(caught.value).removeprefix("chats.jsonl:3: ")


@pytest.mark.parametrize("untrained", [{"weight": 0}, {"weight": 0.0}, {"train": False}, {"loss": False}])
def test_a_turn_that_is_not_to_be_trained_stays_and_says_so(untrained: Turn) -> None:
    turns = [user("a"), assistant("b", **untrained), user("c"), assistant("d", weight=1)]
    assert read({"messages": turns}) == ([user("a"), assistant("b", weight=0), user("c")], "d")


def test_the_answer_is_the_last_turn_that_is_trained() -> None:
    turns = [user("a"), assistant("b"), user("c"), assistant("d", weight=0)]
    assert read({"messages": turns}) == ([user("a")], "b")
    assert read({"messages": turns}, answered=False) == ([user("a"), assistant("b"), user("c")], None)


def test_the_field_keeps_what_is_not_trained() -> None:
    messages = [Message("user", "a"), Message("assistant", "b", trained=False), Message("user", "c")]
    assert messages_of(as_field(messages), "here") == messages


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        (
            [user("a"), assistant("b", weight=0)],
            "no turn of the assistant's is trained: all have weight 0. Leave the row out.",
        ),
        (
            [user("a"), assistant("b", weight=0.5)],
            "message 2 (assistant) has 'weight': 0.5, expected 0 or 1, false or true. "
            "Correct the row, or leave it out.",
        ),
        (
            [user("a"), assistant("b", train="no")],
            "message 2 (assistant) has 'train': 'no', expected 0 or 1, false or true. "
            "Correct the row, or leave it out.",
        ),
        (
            [user("a", train=True), assistant("b")],
            "message 1 (user) has 'train': True. Only what the assistant says is trained: take it out.",
        ),
        (
            [user("a"), assistant("b", train=True, weight=0)],
            "message 2 (assistant) has 'weight': 0 and 'train': True. Keep the one that is meant.",
        ),
        (
            [user("a"), assistant("b", tool_calls=[{"id": 1}])],
            "message 2 (assistant) has 'tool_calls', which its content leaves out. Only texts can be read: leave "
            "the row out.",
        ),
        (
            [user("a"), assistant("b", reasoning_content="hm")],
            "message 2 (assistant) has 'reasoning_content', which its content leaves out. Write it into the content, "
            "as the backbone writes thoughts, or take it out.",
        ),
    ],
)
def test_keys_of_messages_that_cannot_be_obeyed(turns: list[Turn], message: str) -> None:
    assert refusal({"messages": turns}) == message


def test_keys_that_say_nothing_are_nothing() -> None:
    turns = [user("a", weight=None, tool_calls=[]), assistant("b", tool_calls=None, refusal=None, function_call={})]
    assert read({"messages": turns, "tools": [], "functions": None, "system": ""}) == ([user("a")], "b")


def test_names_of_speakers_in_published_sets() -> None:
    turns = [{"from": "human", "value": "a"}, {"from": "chatgpt", "value": "b"}]
    assert read({"conversations": turns}) == ([user("a")], "b")
    assert read({"messages": [{"role": "developer", "content": "s"}, user("a"), assistant("b")]}) == (
        [{"role": "system", "content": "s"}, user("a")],
        "b",
    )


def test_alpacas_history_and_system() -> None:
    record: dict[str, object] = {
        "instruction": "c", "input": "", "output": "d", "system": "Be brief.", "history": [["a", "b"]],
    }  # fmt: skip
    expected = [{"role": "system", "content": "Be brief."}, user("a"), assistant("b"), user("c")]
    assert read(record) == (expected, "d")
    assert read(record | {"history": '[["a", "b"]]'}) == (expected, "d")
    for nothing in (None, [], "[]", ""):
        assert read(record | {"history": nothing, "system": " "}) == ([user("c")], "d")
    assert refusal(record | {"history": [["a"]]}) == (
        'column \'history\' is no list of pairs of texts. Write it as [["question", "answer"], ...].'
    )


def test_a_system_message_in_a_column_of_its_own() -> None:
    turns, system = [user("a"), assistant("b")], {"role": "system", "content": "s"}
    for column in ("system", "system_prompt"):
        assert read({"conversations": turns, column: " s "}) == ([system, user("a")], "b")
    assert read({"messages": [system, *turns], "system": "s"}) == ([system, user("a")], "b")
    assert refusal({"messages": [system, *turns], "system": "t"}) == (
        "column 'system' and message 1 are different system messages. Keep one of them."
    )
    assert refusal({"messages": turns, "system": "t", "system_prompt": "u"}) == (
        "column 'system' and column 'system_prompt' are different system messages. Keep one of them."
    )


def test_tools_are_refused() -> None:
    assert refusal({"messages": [user("a"), assistant("b")], "tools": [{"name": "f"}]}) == (
        "column 'tools' gives the dialogue tools. Only texts are read: leave it out."
    )


def test_what_is_not_read_is_named(tmp_path) -> None:
    rows = [
        {"messages": [user(f"{i}", name="Ann"), assistant("b", id=i + 1, weight=1)], "id": i + 1, "writer": f"w{i}"}
        for i in range(40)
    ]
    rows[0] |= {"source": "mail"}
    tiny.write_rows(tmp_path / "chats.jsonl", rows)
    data = DataSettings(train="chats.jsonl", group="writer", test="chats.jsonl")
    assert [note for note in load_splits(data, [MESSAGES], TEXT, base=tmp_path).note if "read" in note] == [
        "train: columns that nothing is read of: id, source",
        "train: keys of messages that nothing is read of: name, id",
        "test: columns that nothing is read of: id, source",
        "test: keys of messages that nothing is read of: name, id",
    ]
    tiny.write_rows(
        tmp_path / "alpaca.jsonl",
        [{"instruction": f"{i}", "input": "", "output": "b", "text": "all of it"} for i in range(40)],
    )
    notes = load_splits(DataSettings(train="alpaca.jsonl"), [MESSAGES], TEXT, base=tmp_path).note
    assert notes[0] == "train: columns that nothing is read of: text"
