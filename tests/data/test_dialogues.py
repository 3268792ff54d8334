"""Dialogues out of records: three forms, what is refused, what is input and what is answer."""

from __future__ import annotations

import json

import pytest

import tiny
from trimtab.data import MESSAGES, Message, Record, load_splits, messages_of, read_examples, read_test, to_example
from trimtab.errors import DataError
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import TextAnswer
from trimtab.settings.task import DataSettings

U, A, S = (
    {"role": role, "content": text} for role, text in (("user", "Hi."), ("assistant", "Hello."), ("system", "Be kind."))
)
TEXT = kind_of(TextAnswer())


def example(values, settings=None, **more):
    record = Record(values, "chats.jsonl:3")
    return to_example(record, [MESSAGES], settings or DataSettings(), TEXT, **{"need_answer": False, **more})


def read(values, **columns):
    found = example(values, DataSettings(columns=columns))
    return json.loads(found.fields[MESSAGES]), found.answer


def test_three_forms_are_read_as_they_are():
    assert read({"messages": [S, U, A]}) == ([S, U], "Hello.")
    shared = [
        {"from": "system", "value": "Be kind."},
        {"from": "human", "value": "Hi."},
        {"from": "gpt", "value": "Hello."},
    ]
    assert read({"id": 7, "conversations": shared}) == ([S, U], "Hello.")
    assert read({"instruction": "Hi.", "input": "", "output": "Hello."}) == ([U], "Hello.")
    with_input = {"instruction": "Translate.", "input": "Hallo.", "output": " Hello. "}
    assert read(with_input) == ([{"role": "user", "content": "Translate.\n\nHallo."}], "Hello.")


def test_a_column_may_be_named_and_hold_json_or_parts():
    assert read({"chat": json.dumps([U, A]), "messages": "not this"}, messages="chat") == ([U], "Hello.")
    parts = [{"role": "user", "content": [{"type": "text", "text": "Hi."}]}, A]
    assert read({"messages": parts}) == ([U], "Hello.")


def test_the_last_assistant_turn_is_the_answer_and_a_user_behind_it_is_left_out():
    again = {"role": "user", "content": "And now?"}
    assert read({"messages": [U, A, again, A, again]}) == ([U, A, again], "Hello.")


def test_to_be_answered_is_what_comes_before_the_last_answer_or_all():
    again = {"role": "user", "content": "And now?"}
    for messages, expected in (([U, A, again], [U, A, again]), ([U, A, again, A], [U, A, again])):
        found = example({"messages": messages}, read_answer=False)
        assert json.loads(found.fields[MESSAGES]) == expected
        assert found.answer is None
        assert found.references == ()


def test_a_text_alone_is_what_the_user_says():
    assert read({"text": "Hi."}) == ([U], None)


def test_contents_are_cleaned():
    settings = DataSettings(clean=["whitespace"])
    found = example({"messages": [{"role": "user", "content": " a \t b "}, A]}, settings)
    assert json.loads(found.fields[MESSAGES]) == [{"role": "user", "content": "a b"}]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"messages": []}, "the dialogue has no messages. It needs a user's turn at least."),
        ({"messages": [S]}, "the dialogue has only a system message. It needs a user's turn at least."),
        ({"messages": [U, U, A]}, "messages 1 and 2 are both of the user. Join them into one, or leave the row out."),
        (
            {"messages": [S, U, A, A]},
            "messages 3 and 4 are both of the assistant. Join them into one, or leave the row out.",
        ),
        (
            {"messages": [A, U, A]},
            "the dialogue begins with the assistant. Begin with the user's turn, or leave the row out.",
        ),
        (
            {"messages": [U, A, S]},
            "message 3 is a system message; it may only stand first. Correct the row, or leave it out.",
        ),
        (
            {"messages": [{"role": "asistant", "content": "x"}]},
            "message 1 has the role 'asistant', not one of system, user, assistant, human, gpt. "
            "Did you mean 'assistant'?",
        ),
        (
            {"messages": [{"role": "tool", "content": "x"}]},
            "message 1 has the role 'tool', not one of system, user, assistant, human, gpt. Only these are trained and "
            "answered: leave other messages out.",
        ),
        (
            {"messages": [U, {"role": "assistant", "content": " \n"}]},
            "message 2 (assistant) is empty. Correct the row, or leave it out.",
        ),
        (
            {"messages": [U, {"role": "assistant", "content": None}]},
            "message 2 (assistant) is empty. Correct the row, or leave it out.",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
            "message 1 (user) does not hold text. Only texts can be read.",
        ),
        (
            {"messages": [{"content": "x"}]},
            'message 1 does not say whose it is; it has content. Give it a "role" (or, in ShareGPT\'s form, "from").',
        ),
        ({"messages": ["Hi."]}, 'message 1 is no object. Write it as {"role": ..., "content": ...}.'),
        (
            {"messages": "Hi."},
            'the dialogue is no list of messages. Write it as [{"role": "user", "content": "..."}, '
            '{"role": "assistant", "content": "..."}].',
        ),
        (
            {"message": [U, A]},
            "no dialogue in any of messages, conversations, instruction; the columns are message. "
            "Did you mean 'message'?",
        ),
        (
            {"x": 1},
            "no dialogue in any of messages, conversations, instruction; the columns are x. "
            "Set data.columns.messages to the column.",
        ),
        (
            {"messages": [U, A], "conversations": []},
            "dialogues in the columns messages and conversations. Set data.columns.messages to the one that is meant.",
        ),
    ],
)
def test_what_is_refused(values, message):
    with pytest.raises(DataError) as error:
        example(values)
    assert str(error.value) == f"chats.jsonl:3: {message}"


def test_rows_without_an_assistant_turn_are_counted(tmp_path):
    tiny.write_rows(tmp_path / "chats.jsonl", [{"messages": m} for m in ([U, A], [S, U], [U])])
    with pytest.raises(DataError) as error:
        read_examples("chats.jsonl", [MESSAGES], DataSettings(), TEXT, base=tmp_path)
    assert str(error.value) == (
        "chats.jsonl:2: no assistant turn (2 of 3 rows have none). Leave it out; `trimtab predict` answers dialogues "
        "that end with the user."
    )


def test_splits_keep_dialogues_that_go_on_alike_together(tmp_path):
    numbered = [[{"role": "user", "content": f"{i // 2}"}, {"role": "assistant", "content": f"{i}"}] for i in range(40)]
    tiny.write_rows(tmp_path / "chats.jsonl", [{"messages": m} for m in numbered])
    splits = load_splits(DataSettings(train="chats.jsonl"), [MESSAGES], TEXT, base=tmp_path)
    train = {e.fields[MESSAGES] for e in splits.train}
    assert splits.dev
    assert not train & {e.fields[MESSAGES] for e in splits.dev}
    assert all(len(e.references) == 2 for e in splits.dev)
    test, note = read_test("chats.jsonl", [MESSAGES], DataSettings(), TEXT, base=tmp_path)
    assert [e.references for e in test] == [(f"{i}", f"{i + 1}") for i in range(0, 40, 2)]
    assert note == ["test: 40 rows hold 20 inputs, each right with any of its answers"]


def test_a_field_is_a_list_of_messages_or_what_the_user_says():
    assert messages_of(json.dumps([S, U]), "x") == [Message("system", "Be kind."), Message("user", "Hi.")]
    for text in ("Hi.", "[1, 2]", '{"a": 1}', "[]"):
        assert messages_of(text, "x") == [Message("user", text)]
    with pytest.raises(DataError) as error:
        messages_of(json.dumps([U, A]), "input")
    assert str(error.value) == "input: the dialogue ends with the assistant. End it with the turn to be answered."
