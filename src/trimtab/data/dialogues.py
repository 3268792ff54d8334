"""Dialogues: the messages of a record, checked, and as the text that travels as a field. Knows nothing about tokens.

Three forms are read as they are: `messages` with `role` and `content` (OpenAI, transformers), `conversations` with
`from` and `value` (ShareGPT), and `instruction`, `input`, `output` (Alpaca).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from trimtab.data.clean import clean_text
from trimtab.data.records import Record
from trimtab.data.values import as_text, listed, whole
from trimtab.errors import DataError, did_you_mean
from trimtab.settings.task import CleanStep, DataSettings

# The field of a template that stands for a whole dialogue.
MESSAGES = "messages"

Role = Literal["system", "user", "assistant"]
_ROLES: dict[str, Role] = {
    "system": "system", "user": "user", "assistant": "assistant", "human": "user", "gpt": "assistant",
}  # fmt: skip
_FORMS = (MESSAGES, "conversations", "instruction")
_LEAVE_OUT = "Correct the row, or leave it out."


@dataclass(frozen=True)
class Message:
    """One turn of a dialogue, or the system message before it."""

    role: Role
    content: str


def read_messages(record: Record, settings: DataSettings) -> list[Message]:
    """The messages of a record, cleaned, without white space around them. A text alone is the user's turn.

    Where `data.columns.messages` is set, that column holds the list; else the record's columns say which form it has.

    Raises:
        DataError: no such column, or several; a list or message of another form; what `check_messages` refuses.
    """
    where, values = record.where, record.values
    column = settings.columns.get(MESSAGES)
    found = [column] if column is not None else [form for form in _FORMS if form in values]
    if not found and set(values) == {"text"}:
        found = ["text"]
    if not found or found[0] not in values:
        named = f"no column '{column}' with a dialogue" if column else f"no dialogue in any of {', '.join(_FORMS)}"
        raise DataError(
            f"{where}: {named}; the columns are {', '.join(values) or 'none'}.",
            did_you_mean(found[0] if found else MESSAGES, values) or "Set data.columns.messages to the column.",
        )
    if len(found) > 1:
        raise DataError(
            f"{where}: dialogues in the columns {' and '.join(found)}.",
            "Set data.columns.messages to the one that is meant.",
        )
    match found[0] if column is None else None:
        case "instruction":
            messages = _alpaca(record)
        case "text":
            messages = [Message("user", as_text(record, "text") or "")]
        case _:
            messages = _messages(values[found[0]], where)
    messages = [Message(m.role, whole(_cleaned(m.content, settings.clean))) for m in messages]
    check_messages(messages, where)
    return messages


def _cleaned(text: str, steps: Sequence[CleanStep]) -> str:
    return clean_text(text, steps).strip()


def _alpaca(record: Record) -> list[Message]:
    """`instruction` and, if any, `input` as the user's turn, `output` as the assistant's."""
    parts = [as_text(record, name) if name in record.values else None for name in ("instruction", "input", "output")]
    instruction, given, output = (part or "" for part in parts)
    asked = "\n\n".join(part for part in (instruction.strip(), given.strip()) if part)
    return [Message("user", asked), *([Message("assistant", output)] if output.strip() else [])]


def _messages(value: object, where: str) -> list[Message]:
    """A list of messages, or a JSON list in a text."""
    items = listed(value)
    if items is None:
        raise DataError(
            f"{where}: the dialogue is no list of messages.",
            'Write it as [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}].',
        )
    return [_message(item, i, where) for i, item in enumerate(items, 1)]


def _message(item: object, number: int, where: str) -> Message:
    """One message, in OpenAI's or in ShareGPT's form."""
    if not isinstance(item, Mapping):
        raise DataError(f"{where}: message {number} is no object.", 'Write it as {"role": ..., "content": ...}.')
    keys = next((keys for keys in (("role", "content"), ("from", "value")) if keys[0] in item), None)
    if keys is None:
        raise DataError(
            f"{where}: message {number} does not say whose it is; it has {', '.join(map(str, item)) or 'nothing'}.",
            'Give it a "role" (or, in ShareGPT\'s form, "from").',
        )
    role, content = (item.get(key) for key in keys)
    if not isinstance(role, str) or role not in _ROLES:
        hint = did_you_mean(str(role), _ROLES) or "Only these are trained and answered: leave other messages out."
        raise DataError(f"{where}: message {number} has the role '{role}', not one of {', '.join(_ROLES)}.", hint)
    if isinstance(content, list) and all(isinstance(part, Mapping) and part.get("type") == "text" for part in content):
        content = "\n".join(str(part.get("text") or "") for part in content)
    if content is not None and not isinstance(content, str):
        raise DataError(f"{where}: message {number} ({role}) does not hold text.", "Only texts can be read.")
    return Message(_ROLES[role], content or "")


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


def split_answer(messages: list[Message], *, drop_user: bool) -> tuple[list[Message], str | None]:
    """What comes before the last assistant turn, and that turn.

    Args:
        messages: checked ones.
        drop_user: whether a user's turn behind it, which has no answer, is left out; else, and where there is no
            assistant turn, all is what comes before, and the answer None.
    """
    turns = messages[:-1] if drop_user and messages[-1].role == "user" else messages
    if turns and turns[-1].role == "assistant":
        return list(turns[:-1]), turns[-1].content
    return list(messages), None


def as_field(messages: Sequence[Message]) -> str:
    """Messages as the text of the field `messages`: a JSON list in OpenAI's form."""
    return json.dumps([asdict(message) for message in messages], ensure_ascii=False)


def messages_of(field: str, where: str) -> list[Message]:
    """The messages of a field: of a JSON list, or else the whole text as the user's turn.

    Raises:
        DataError: what `check_messages` refuses, or a dialogue that does not end with the user.
    """
    items = listed(field)
    if items and all(isinstance(item, dict) for item in items):
        messages = _messages(items, where)
    else:
        messages = [Message("user", field.strip())]
    check_messages(messages, where)
    if messages[-1].role != "user":
        raise DataError(f"{where}: the dialogue ends with the assistant.", "End it with the turn to be answered.")
    return messages
