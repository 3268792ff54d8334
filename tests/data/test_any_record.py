"""Any record gives an example or one clear error, whatever stands in its columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trimtab.data import MESSAGES, Record, read_records, to_example
from trimtab.data.records import InMemory
from trimtab.errors import TrimtabError
from trimtab.kinds.choose import kind_of
from trimtab.settings.file import make_task

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(["role", "content", "from", "value", "weight", "train", "tool_calls", "name", "text", "type"])
WORDS = st.sampled_from(["user", "assistant", "system", "human", "gpt", "tool", "a", "[]", "{}", '["a"]', "B", "O"])
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
COLUMNS = st.sampled_from(
    ["messages", "conversations", "instruction", "input", "output", "history", "system", "tools", "text", "label",
     "tokens", "tags", "options", "x", "x.y"]
)  # fmt: skip
ROWS = st.dictionaries(COLUMNS, VALUES, max_size=6)
TASKS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "label": (["text"], {}),
    "nested": (["text"], {"data": {"columns": {"text": "x.y.text"}, "label": "x.y.0"}}),
    "choice": (["text"], {"answer": {"kind": "choice", "options": "options", "by": "text"}}),
    "number": (["text"], {"answer": "number"}),
    "tags": (["tokens"], {"answer": "tags"}),
    "text": (["text"], {"answer": {"kind": "text", "tests": "x"}}),
    "dialogue": ([MESSAGES], {"answer": "text"}),
}
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def complaint(read: Callable[[], object]) -> str:
    """What is said of a mistake; "" where there is none."""
    try:
        read()
    except TrimtabError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", TASKS)
@QUICK
@given(row=ROWS, answered=st.booleans())
def test_records(name: str, row: dict[str, object], answered: bool) -> None:
    fields, given_settings = TASKS[name]
    task = make_task(given_settings)
    kind, record = kind_of(task.answer), Record(row, "a:1")

    def read() -> None:
        to_example(record, fields, task.data, kind, need_answer=answered, read_answer=answered)
        kind.unread([record], fields, task.data)

    assert complaint(read)[:3] in ("", "a:1")


@QUICK
@given(document=VALUES | st.lists(ROWS, max_size=3), indent=st.sampled_from([None, 1]))
def test_documents(tmp_path: Path, document: object, indent: int | None) -> None:
    (tmp_path / "a.json").write_text(json.dumps(document, indent=indent))
    assert complaint(lambda: list(read_records("a.json", base=tmp_path)))[:7] in ("", "a.json:")
    assert complaint(lambda: list(read_records("a.json", base=tmp_path, tolerant=True))) == ""


@QUICK
@given(rows=VALUES)
def test_rows_in_memory(rows: object) -> None:
    assert complaint(lambda: list(read_records(InMemory("rows", rows), base=Path())))[:4] in ("", "rows")
