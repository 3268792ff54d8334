"""Records of every format and kind of answer, odd and damaged: examples, or one message; where tolerant, one a row."""

from __future__ import annotations

import csv
import datetime
import io
import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import JSON, TEXTS, damaged, few, value_or_message
from pyarrow import parquet

from trimtab.data import BadRecord, read_records, to_example
from trimtab.errors import DataError
from trimtab.jobs import data as look
from trimtab.kinds.choose import kind_of, template_of
from trimtab.settings.file import make_task
from trimtab.tasks.rows import load_splits

TASKS = [
    make_task({"template": {"text": text}, "answer": answer, "data": {"train": "-", **data}})
    for text, answer, data in (
        ("{text}{answer}", "label", {"clean": ["markup", "control", "whitespace"]}),
        ("{text} {options}{answer}", {"kind": "choice", "options": "options"}, {"group": "text"}),
        ("{text}{answer}", {"kind": "choice", "options": ["text", "label"], "by": "letter"}, {}),
        ("{text}{answer}", {"kind": "choice", "options": "options", "by": "text"}, {}),
        ("{text}{answer}", "number", {}),
        ("{text}{answer}", "multilabel", {"label": "options"}),
        ("{text}{answer}", {"kind": "multilabel", "separator": ","}, {"label": "label"}),
        ("{text}{answer}", {"kind": "multilabel", "columns": ["label", "tags"]}, {}),
        ("{tokens}", "tags", {}),
        ("{label}: {text}", {"kind": "span", "context": "text", "start": "label"}, {"label": "options"}),
        ("{label}: {text}", {"kind": "span", "context": "text"}, {"label": "answers"}),
        ("{text}{answer}", {"kind": "text", "stop": ["."]}, {"label": "options"}),
        ("{messages}", "text", {}),
    )
]
COLUMNS = ("text", "label", "options", "tokens", "tags", "messages", "answers", "answer_start", "is_impossible")
GOOD: list[dict[str, Any]] = [
    {"text": f"row {i}", "label": str(i % 2), "options": ["a", "b"], "tokens": ["x", "y"], "tags": ["O", "B-a"],
     "answers": {"text": ["row"], "answer_start": [0]}, "answer_start": 0, "is_impossible": False,
     "messages": [{"role": "user", "content": f"say {i}"}, {"role": "assistant", "content": "yes"}]}
    for i in range(6)
]  # fmt: skip
TURNS = st.lists(
    st.fixed_dictionaries(
        {}, optional={"role": st.sampled_from(["user", "assistant", "system", "tool", "x"]) | JSON, "content": JSON,
                      "from": JSON, "value": JSON, "weight": JSON, "train": JSON},
    ), max_size=3,
)  # fmt: skip
ODD = st.dictionaries(st.sampled_from(COLUMNS) | TEXTS, JSON | TURNS | st.lists(TEXTS, max_size=4), max_size=4)


@st.composite
def rows(draw: st.DrawFn) -> list[Any]:
    """Good rows, up to three of them with other values, and perhaps one that is no row."""
    made: list[Any] = [dict(row) for row in GOOD]
    for _ in range(draw(st.integers(0, 3))):
        made[draw(st.integers(0, 5))].update(draw(ODD))
    return made + ([draw(JSON)] if draw(st.booleans()) else [])


def as_csv(given_rows: list[Any]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in given_rows:
        values = row if isinstance(row, dict) else {}
        cells = [values.get(name, "") for name in COLUMNS]
        writer.writerow([cell if isinstance(cell, str) else json.dumps(cell) for cell in cells])
    return out.getvalue().encode("utf-8", errors="replace")


def as_conll(given_rows: list[Any]) -> bytes:
    lines = []
    for row in given_rows:
        tokens = row.get("tokens") if isinstance(row, dict) else None
        tags = row.get("tags") if isinstance(row, dict) else None
        for pair in zip(*(own if isinstance(own, list) else [own] for own in (tokens, tags)), strict=False):
            lines.append("\t".join(map(str, pair)))
        lines.append("")
    return "\n".join(lines).encode("utf-8", errors="replace")


def written(folder: Path, ending: str, given_rows: list[Any]) -> Path:
    path = folder / f"rows.{ending}"
    match ending:
        case "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in given_rows), encoding="utf-8")
        case "json":
            path.write_text(json.dumps(given_rows), encoding="utf-8")
        case "csv":
            path.write_bytes(as_csv(given_rows))
        case "conll":
            path.write_bytes(as_conll(given_rows))
    return path


def use(path: Path, task: Any) -> None:
    """Read strictly, as `tune` does; tolerantly, as `predict` does; and look into it, as `data` does."""
    fields = template_of(task).fields
    settings = task.data.model_copy(update={"train": path.name})
    value_or_message(lambda: load_splits(settings, fields, task.answer, base=path.parent))
    value_or_message(lambda: tolerant(path, task))
    value_or_message(
        lambda: look.run(path.name, settings=settings, fields=fields, answer=task.answer, base=path.parent,
                         others={}, tokens=False, offline=True)
    )  # fmt: skip


def tolerant(path: Path, task: Any) -> int:
    """Rows read or told of."""
    kind, fields = kind_of(task.answer), template_of(task).fields
    found = 0
    for record in read_records(path.name, base=path.parent, tolerant=True):
        found += 1
        if isinstance(record, BadRecord):
            assert "\n" not in record.error
            continue
        value_or_message(
            lambda own=record: to_example(own, fields, task.data, kind, need_answer=False, read_answer=False)
        )
    return found


@few(60)
@given(st.sampled_from(TASKS), st.sampled_from(["jsonl", "json", "csv", "conll"]), rows())
def test_rows(tmp_path, task, ending, made):
    use(written(tmp_path, ending, made), task)


@few(80)
@given(st.data(), st.sampled_from(TASKS), st.sampled_from(["jsonl", "json", "csv", "conll"]))
def test_damaged_files(tmp_path, data, task, ending):
    path = written(tmp_path, ending, GOOD)
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    use(path, task)


@few(40)
@given(st.data(), st.sampled_from(TASKS))
def test_damaged_parquet(tmp_path, data, task):
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(GOOD), path)
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    use(path, task)


TYPES = [
    pyarrow.date32(), pyarrow.date64(), pyarrow.timestamp("s"), pyarrow.timestamp("us"), pyarrow.timestamp("ns"),
    pyarrow.timestamp("s", "Nowhere/Town"), pyarrow.duration("s"), pyarrow.time64("ns"), pyarrow.decimal128(38, 3),
    pyarrow.binary(), pyarrow.float16(), pyarrow.uint64(),
]  # fmt: skip


@few(40)
@given(st.sampled_from(TASKS), st.sampled_from(TYPES), st.integers(-(2**62), 2**62), st.sampled_from(COLUMNS))
def test_parquet_values(tmp_path, task, kind, number, column):
    path = tmp_path / "rows.parquet"
    wide = pyarrow.array([number] * 6, pyarrow.int64())
    try:
        values = wide.view(kind) if kind.bit_width == 64 else pyarrow.array([number % 2**31] * 6).cast(kind)
    except (pyarrow.ArrowException, ValueError):  # no such value of the type
        values = pyarrow.array([b"\xff"] * 6)
    table = pyarrow.Table.from_pylist(GOOD)
    try:
        parquet.write_table(table.set_column(table.schema.names.index(column), column, values), path)
    except pyarrow.ArrowInvalid:  # no such value in the file format
        return
    use(path, task)


def test_far_dates_cost_their_rows_alone(tmp_path):
    dates = pyarrow.array([0, 3_000_000, 19_000], pyarrow.int32()).cast(pyarrow.date32())
    parquet.write_table(pyarrow.table({"text": ["a", "b", "c"], "day": dates}), tmp_path / "rows.parquet")
    first, second, third = read_records("rows.parquet", base=tmp_path, tolerant=True)
    assert (first.values["day"], third.values["day"]) == (datetime.date(1970, 1, 1), datetime.date(2022, 1, 8))
    assert isinstance(second, BadRecord)
    assert second.error == (
        "rows.parquet:2: column 'day' holds a value that cannot be read (date value out of range). "
        "Write it as text, or leave the row out."
    )
    with pytest.raises(DataError) as caught:
        list(read_records("rows.parquet", base=tmp_path))
    assert str(caught.value) == second.error
