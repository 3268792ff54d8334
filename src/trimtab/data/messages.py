"""Messages out of records, in the forms that dialogues are published in. Knows nothing about what makes a dialogue.

Three forms are read as they are: `messages` with `role` and `content` (OpenAI, transformers), `conversations` with
`from` and `value` (ShareGPT), and `instruction`, `input`, `output` (Alpaca). Every key that these forms give a meaning
is obeyed or refused; `unread_keys` names all others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from trimtab.data.records import Record
from trimtab.data.values import as_text, listed
from trimtab.errors import DataError, did_you_mean

# The field of a template that stands for a whole dialogue.
MESSAGES = "messages"

Role = Literal["system", "user", "assistant"]
ROLES: dict[str, Role] = {
    "system": "system", "user": "user", "assistant": "assistant", "human": "user", "gpt": "assistant",
    "developer": "system", "chatgpt": "assistant", "bing": "assistant", "bard": "assistant",
}  # fmt: skip
_NAMED_ROLES = ("system", "user", "assistant", "human", "gpt")
_FORMS = (MESSAGES, "conversations", "instruction")
_ALPACA = ("instruction", "input", "output", "history")
# Columns beside a dialogue that hold its system message, and those without which it is not what it was.
_SYSTEM = ("system", "system_prompt")
_TOOLS = ("tools", "functions")
# Keys of a message: who and what, whether it is trained (OpenAI, axolotl, ms-swift), and what is more than a text.
_FORM_KEYS = (("role", "content"), ("from", "value"))
_TRAINED = ("weight", "train", "loss")
_MORE_THAN_TEXT = ("tool_calls", "function_call", "tool_call_id", "audio", "refusal")
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_LEAVE_OUT = "Correct the row, or leave it out."


@dataclass(frozen=True)
class Message:
    """One turn of a dialogue, or the system message before it.

    Attributes:
        role: whose it is.
        content: what is said.
        trained: of the assistant's, whether it is trained on.
    """

    role: Role
    content: str
    trained: bool = True


def dialogue_column(record: Record, column: str | None) -> str:
    """The column that holds the dialogue: `column` where it is set, else the one whose name says so.

    Raises:
        DataError: no such column, or several.
    """
    values, where = record.values, record.where
    found = [column] if column is not None else [form for form in _FORMS if form in values]
    if not found and set(values) == {"text"}:
        found = ["text"]
    if not found or not record.has(found[0]):
        named = f"no column '{column}' with a dialogue" if column else f"no dialogue in any of {', '.join(_FORMS)}"
        raise DataError(
            f"{where}: {named}; the columns are {', '.join(record.columns) or 'none'}.",
            did_you_mean(found[0] if found else MESSAGES, record.columns) or "Set data.columns.messages to the column.",
        )
    if len(found) > 1:
        raise DataError(
            f"{where}: dialogues in the columns {' and '.join(found)}.",
            "Set data.columns.messages to the one that is meant.",
        )
    return found[0]


def given_messages(record: Record, column: str | None) -> list[Message]:
    """The messages of a record as they are given, the system message of a column of its own first.

    Args:
        record: one row.
        column: the column that is set to hold the dialogue; None where its name says so.

    Raises:
        DataError: no dialogue, or several; a list or message of another form; keys that cannot be obeyed.
    """
    where, values = record.where, record.values
    found = dialogue_column(record, column)
    for name in _TOOLS:
        if _says(values.get(name)):
            raise DataError(f"{where}: column '{name}' gives the dialogue tools.", "Only texts are read: leave it out.")
    match found if column is None else None:
        case "instruction":
            messages = _alpaca(record)
        case "text":
            messages = [Message("user", as_text(record, "text") or "")]
        case _:
            messages = read_messages(record.get(found), where)
    return [*_system(record, messages), *messages]


def _system(record: Record, messages: Sequence[Message]) -> list[Message]:
    """The system message in a column of its own, where the messages do not hold the same."""
    texts = {name: (as_text(record, name) or "").strip() for name in _SYSTEM if name in record.values}
    given = {name: text for name, text in texts.items() if text}
    inside = [message.content.strip() for message in messages[:1] if message.role == "system"]
    if len({*given.values(), *inside}) > 1:
        named = " and ".join([*(f"column '{name}'" for name in given), *(["message 1"] if inside else [])])
        raise DataError(f"{record.where}: {named} are different system messages.", "Keep one of them.")
    return [Message("system", next(iter(given.values())))] if given and not inside else []


def _alpaca(record: Record) -> list[Message]:
    """`history`, then `instruction` and, if any, `input` as the user's turn, `output` as the assistant's."""
    parts = [as_text(record, name) if name in record.values else None for name in ("instruction", "input", "output")]
    instruction, given, output = (part or "" for part in parts)
    asked = "\n\n".join(part for part in (instruction.strip(), given.strip()) if part)
    return [
        *_history(record.values.get("history"), record.where),
        Message("user", asked),
        *([Message("assistant", output)] if output.strip() else []),
    ]


def _history(value: object, where: str) -> list[Message]:
    """Earlier turns: pairs of what the user and what the assistant said."""
    if not _says(value):
        return []
    pairs = listed(value)
    if pairs is None or not all(_is_pair(pair) for pair in pairs):
        raise DataError(
            f"{where}: column 'history' is no list of pairs of texts.", 'Write it as [["question", "answer"], ...].'
        )
    roles: tuple[Role, Role] = ("user", "assistant")
    return [Message(role, text) for pair in pairs for role, text in zip(roles, pair, strict=True)]  # type: ignore[call-overload]  # pairs


def _is_pair(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(text, str) for text in value)


def read_messages(value: object, where: str) -> list[Message]:
    """A list of messages, or a JSON list in a text. Raises DataError at what is none."""
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
    keys = next((keys for keys in _FORM_KEYS if keys[0] in item), None)
    if keys is None:
        raise DataError(
            f"{where}: message {number} does not say whose it is; it has {', '.join(map(str, item)) or 'nothing'}.",
            'Give it a "role" (or, in ShareGPT\'s form, "from").',
        )
    role, content = (item.get(key) for key in keys)
    if not isinstance(role, str) or role not in ROLES:
        hint = did_you_mean(str(role), ROLES) or "Only these are trained and answered: leave other messages out."
        raise DataError(f"{where}: message {number} has the role '{role}', not one of {', '.join(_NAMED_ROLES)}.", hint)
    _refuse_more_than_text(item, f"{where}: message {number} ({role})")
    if isinstance(content, list) and all(isinstance(part, Mapping) and part.get("type") == "text" for part in content):
        content = "\n".join(str(part.get("text") or "") for part in content)
    if content is not None and not isinstance(content, str):
        raise DataError(f"{where}: message {number} ({role}) does not hold text.", "Only texts can be read.")
    trained = _trained(item, ROLES[role], f"{where}: message {number} ({role})")
    return Message(ROLES[role], content or "", trained)


def _refuse_more_than_text(item: Mapping[str, object], place: str) -> None:
    for key in (*_MORE_THAN_TEXT, *_THOUGHTS):
        if _says(item.get(key)):
            thought = "Write it into the content, as the backbone writes thoughts, or take it out."
            hint = thought if key in _THOUGHTS else "Only texts can be read: leave the row out."
            raise DataError(f"{place} has '{key}', which its content leaves out.", hint)


def _trained(item: Mapping[str, object], role: Role, place: str) -> bool:
    """Whether a message is trained on: the assistant's are, unless they say otherwise, and no others."""
    said = {key: item[key] for key in _TRAINED if item.get(key) is not None}
    for key, value in said.items():
        if value not in (0, 1):  # True and False among them
            raise DataError(f"{place} has '{key}': {value!r}, expected 0 or 1, false or true.", _LEAVE_OUT)
        if role != "assistant" and value:
            raise DataError(f"{place} has '{key}': {value!r}.", "Only what the assistant says is trained: take it out.")
    if len({bool(value) for value in said.values()}) > 1:
        named = " and ".join(f"'{key}': {value!r}" for key, value in said.items())
        raise DataError(f"{place} has {named}.", "Keep the one that is meant.")
    return all(said.values())


def _says(value: object) -> bool:
    """Whether a value is there and not empty; a list may stand in a text."""
    return value not in (None, [], {}) and not (isinstance(value, str) and value.strip() in ("", "[]"))


def unread_keys(records: Iterable[Record], column: str | None, also: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Columns of dialogues, and keys of their messages, that nothing is read of, the commonest first.

    Args:
        records: rows whose dialogues were read.
        column: see `given_messages`.
        also: columns that are read besides.
    """
    columns: Counter[str] = Counter()
    keys: Counter[str] = Counter()
    for record in records:
        found = dialogue_column(record, column)
        form = _ALPACA if found == "instruction" and column is None else (found,)
        known = {*(name.split(".")[0] for name in form), *_SYSTEM, *_TOOLS, *also}
        columns.update(name for name, value in record.values.items() if name not in known and _says(value))
        items = () if len(form) > 1 else listed(record.get(found)) or ()
        for item in items:
            assert isinstance(item, Mapping)
            read = {*next(keys for keys in _FORM_KEYS if keys[0] in item), *_TRAINED, *_MORE_THAN_TEXT, *_THOUGHTS}
            keys.update(str(key) for key, value in item.items() if key not in read and _says(value))
    return [name for name, _ in columns.most_common()], [name for name, _ in keys.most_common()]
