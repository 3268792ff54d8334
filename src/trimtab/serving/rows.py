"""Inputs as JSON has them, as rows to answer. Knows nothing about HTTP or what answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from trimtab.data.messages import MESSAGES
from trimtab.errors import DataError, TaskError
from trimtab.inference.request import Request
from trimtab.serving.served import ServedTask
from trimtab.settings.answers import TextAnswer

OPTIONS, TOKENS = "options", "tokens"


def row_of(task: ServedTask, given: object, where: str = "input", decoding: TextAnswer | None = None) -> Request:
    """A row to answer.

    Args:
        task: what answers.
        given: a text, where the task reads one field; or its fields by name, with `options` (a list of texts) where
            each row has its own, `tokens` (likewise) in place of the text that is tagged, and `messages` as a list.
        where: a place for messages.
        decoding: how free text is found.

    Raises:
        TrimtabError: it is of another form.
    """
    if isinstance(given, str):
        if task.only_field is None:
            more = " and options" if task.bound.kind.own_options else ""
            raise TaskError(
                f"{where}: the task '{task.name}' reads {', '.join(task.fields)}{more}, not one text.",
                "Give an object with these fields.",
            )
        return Request(task.key, {task.only_field: given}, where, decoding=decoding)
    if not isinstance(given, Mapping):
        raise DataError(f"{where}: found {_kind(given)}, expected a text or an object with fields.", "")
    fields: dict[str, str] = {}
    lists: dict[str, Sequence[str]] = {}
    tokens_names = {TOKENS, *([task.bound.template.tagged] if task.bound.template.tagged else [])}
    for name, value in given.items():
        if isinstance(value, str):
            fields[name] = value
        elif name == MESSAGES and isinstance(value, list):
            fields[name] = json.dumps(value, ensure_ascii=False)
        elif isinstance(value, list) and name in {OPTIONS, *tokens_names}:
            lists[OPTIONS if name == OPTIONS else TOKENS] = value
        else:
            raise DataError(
                f"{where}: '{name}' is {_kind(value)}, expected a text.", "Give it as a text, or leave it out."
            )
    return Request(
        task.key, fields, where, options=lists.get(OPTIONS, ()), tokens=lists.get(TOKENS, ()), decoding=decoding
    )


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "something else"


def decoding_of(task: ServedTask, changes: Mapping[str, Any]) -> TextAnswer | None:
    """How a task's free text is found, with changes; None where there are none.

    Raises:
        TaskError: its answers are no free text, or settings that are none, or do not go together.
    """
    if not changes:
        return None
    bound = task.bound
    if not bound.kind.generates:
        raise TaskError(
            f"the answers of '{task.name}' are {bound.kind.plural}: nothing of how they are found can be set."
        )
    try:
        json.dumps(dict(changes), ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        raise TaskError(
            "how text is found is said by what is no text: half of a character, or too deep a list."
        ) from None
    own = bound.kind.generating(bound, None)
    if changes.get("max_tokens") is not None:  # no longer than the task allows
        changes = {**changes, "max_tokens": min(changes["max_tokens"], own.most)}
    settings = {name: value for name, value in task.bound.task.answer.model_dump().items() if value is not None}
    settings = _going_together(settings, changes)
    try:
        return TextAnswer.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        said = str(first["msg"]).removeprefix("Value error, ")
        raise TaskError(f"{name}: {said}." if name else f"{said}.") from None


def _going_together(settings: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with changes; what the task itself says gives way to what it would contradict."""
    out = {**settings, **changes}
    if changes.get("temperature") and "beams" not in changes:
        out["beams"] = 1
    if not out.get("temperature"):
        for name in ("top_k", "top_p", "min_p"):
            if name not in changes:
                out.pop(name, None)
    constraints = [name for name in ("one_of", "pattern", "json_schema") if changes.get(name) is not None]
    if constraints:
        for name in ("one_of", "pattern", "json_schema"):
            if name not in constraints:
                out.pop(name, None)
    return {name: value for name, value in out.items() if value is not None}
