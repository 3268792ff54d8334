"""Dialogues: the messages of a record, checked, and as the text that travels as a field. Knows nothing about tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence

from trimtab.data.messages import MESSAGES, Message, given_messages, read_messages, unread_keys
from trimtab.data.records import Record
from trimtab.data.text.clean import clean_text
from trimtab.data.values import listed, whole
from trimtab.errors import DataError
from trimtab.settings.task import DataSettings

_LEAVE_OUT = "Correct the row, or leave it out."
# Names of columns and keys that a note lists.
NAMED = 8


def read_dialogue(record: Record, settings: DataSettings) -> list[Message]:
    """The messages of a record, cleaned, without white space around them. A text alone is the user's turn.

    Where `data.columns.messages` is set, that column holds the list; else the record's columns say which form it has.

    Raises:
        DataError: no such column, or several; a list or message of another form; what `check_messages` refuses.
    """
    messages = [
        Message(m.role, whole(clean_text(m.content, settings.clean).strip()), m.trained)
        for m in given_messages(record, settings.columns.get(MESSAGES))
    ]
    check_messages(messages, record.where)
    return messages


def unread_notes(records: Sequence[Record], settings: DataSettings) -> list[str]:
    """What of dialogues is not read, columns and keys of messages."""
    also = [settings.group] if settings.group else []
    columns, keys = unread_keys(records, settings.columns.get(MESSAGES), also)
    return [
        f"{what} that nothing is read of: {', '.join(names[:NAMED])}{', ...' if len(names) > NAMED else ''}"
        for what, names in (("columns", columns), ("keys of messages", keys))
        if names
    ]


def check_messages(messages: Sequence[Message], where: str) -> None:
    """Check that a dialogue can be read: a system message or none, then user and assistant in turn.

    Raises:
        DataError: at the first message that is empty or out of turn; no messages at all.
    """
    turns = list(messages[1:] if messages[:1] and messages[0].role == "system" else messages)
    if not turns:
        found = "only a system message" if messages else "no messages"
        raise DataError(f"{where}: the dialogue has {found}.", "It needs a user's turn at least.")
    for number, message in enumerate(messages, 1):
        if not message.content.strip():
            raise DataError(f"{where}: message {number} ({message.role}) is empty.", _LEAVE_OUT)
    before = len(messages) - len(turns)
    for i, turn in enumerate(turns):
        wanted = "assistant" if i % 2 else "user"
        if turn.role == wanted:
            continue
        number = before + i + 1
        if turn.role == "system":
            raise DataError(f"{where}: message {number} is a system message; it may only stand first.", _LEAVE_OUT)
        if i == 0:
            raise DataError(
                f"{where}: the dialogue begins with the assistant.", "Begin with the user's turn, or leave the row out."
            )
        raise DataError(
            f"{where}: messages {number - 1} and {number} are both of the {turn.role}.",
            "Join them into one, or leave the row out.",
        )


def split_answer(messages: Sequence[Message]) -> tuple[list[Message], str | None]:
    """What comes before the last assistant turn, and that turn; where there is none, all of it and None."""
    if messages[-1].role == "assistant":
        return list(messages[:-1]), messages[-1].content
    return list(messages), None


def up_to_trained(messages: Sequence[Message], where: str) -> list[Message]:
    """A dialogue up to the last assistant turn that is trained on: nothing is learnt of what comes behind it.

    One in which the assistant says nothing stays as it is.

    Raises:
        DataError: the assistant says something, and none of it is trained on.
    """
    said = [i for i, message in enumerate(messages) if message.role == "assistant"]
    trained = [i for i in said if messages[i].trained]
    if said and not trained:
        raise DataError(f"{where}: no turn of the assistant's is trained: all have weight 0.", "Leave the row out.")
    return list(messages[: trained[-1] + 1] if trained else messages)


def as_objects(messages: Sequence[Message]) -> list[dict[str, object]]:
    """Messages in OpenAI's form."""
    return [{"role": m.role, "content": m.content} | ({} if m.trained else {"weight": 0}) for m in messages]


def as_field(messages: Sequence[Message]) -> str:
    """Messages as the text of the field `messages`: a JSON list in OpenAI's form."""
    return json.dumps(as_objects(messages), ensure_ascii=False)


def messages_of(field: str, where: str) -> list[Message]:
    """The messages of a field: of a JSON list, or else the whole text as the user's turn.

    Raises:
        DataError: what `check_messages` refuses, or a dialogue that does not end with the user.
    """
    items = listed(field)
    if items and all(isinstance(item, dict) for item in items):
        messages = read_messages(items, where)
    else:
        messages = [Message("user", field.strip())]
    check_messages(messages, where)
    if messages[-1].role != "user":
        raise DataError(f"{where}: the dialogue ends with the assistant.", "End it with the turn to be answered.")
    return messages
