"""Formats: what the standard library and pyarrow write comes back, and every fault names its place and remedy."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from reading import error, values
from trimtab.data import BadRecord, Record, read_records
from trimtab.errors import DataError

JSON_HINT = 'Each line must hold one whole JSON object, such as {"text": "...", "label": "..."}.'


CSV_HINT = "Put a value that holds quotes, separators or line ends in double quotes, and double the quotes inside it."


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)


QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


Write = Callable[[str, bytes], Path]


@QUICK
@given(rows=st.lists(st.dictionaries(TEXT, TEXT | st.integers() | st.booleans() | st.none())), ascii=st.booleans())
def test_jsonl_comes_back(tmp_path: Path, rows: list[dict[str, object]], ascii: bool) -> None:
    text = "\n".join(json.dumps(row, ensure_ascii=ascii) for row in rows)
    (tmp_path / "a.jsonl").write_bytes(text.encode())
    assert values("a.jsonl", tmp_path) == rows


@QUICK
@given(
    rows=st.lists(st.tuples(TEXT, TEXT)),
    dialect=st.sampled_from(["excel", "unix", "excel-tab"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
)
def test_tables_come_back(tmp_path: Path, rows: list[tuple[str, str]], dialect: str, encoding: str) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, dialect).writerows([("text", "label"), *rows])
    name = "a.tsv" if dialect == "excel-tab" else "a.csv"
    (tmp_path / name).write_bytes(stream.getvalue().encode(encoding))
    read_as = "gb18030" if encoding == "gb18030" else "utf-8"
    expected = [{"text": text, "label": label} for text, label in rows]
    lines_alone = [line.count("\t") == 1 for line in stream.getvalue().splitlines()]
    if dialect == "excel-tab" and all(lines_alone):  # a quoted line end may then stand for two rows as well as for one
        assume(not any("\n" in value or "\r" in value for row in rows for value in row))
    assert values(name, tmp_path, encoding=read_as) == expected


def test_parquet_comes_back_with_row_numbers(tmp_path: Path) -> None:
    rows = [{"text": "好 🙂", "stars": 5}, {"text": None, "stars": 1}, {"text": "x" * 100_000, "stars": 2}]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=2)
    records = list(read_records("a.parquet", base=tmp_path))
    assert records == [Record(row, f"a.parquet:{i}") for i, row in enumerate(rows, start=1)]


def test_very_long_fields(write: Write) -> None:
    text = "长 long 🙂" * 20_000
    assert values("a.csv", write("a.csv", f'text,label\n"{text}",a\n'.encode()))[0]["text"] == text


def test_the_place_of_a_row_is_its_first_line(write: Write) -> None:
    base = write("a.csv", b'text,label\n"one\ntwo\nthree",a\n\nfour,b\n')
    assert [record.where for record in read_records("a.csv", base=base)] == ["a.csv:2", "a.csv:6"]


def test_columns_given_twice_in_json_count_once(write: Write) -> None:
    assert values("a.jsonl", write("a.jsonl", b'{"text": "a", "text": "b"}')) == [{"text": "b"}]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "good" "label": 1}', "not valid JSON (Expecting ',' delimiter, column 17)."),
        ("{", "not valid JSON (Expecting property name enclosed in double quotes, column 2)."),
        ('[{"text": "a"}]', "found a JSON array, expected an object."),
        ('"text"', "found a JSON string, expected an object."),
        ("true", "found a JSON boolean, expected an object."),
        ("3.5", "found a JSON number, expected an object."),
        ("null", "found a JSON null, expected an object."),
        ("[" * 100_000, "not valid JSON (a number is too long or the nesting too deep)."),
        ('{"n": ' + "1" * 10_000 + "}", "not valid JSON (a number is too long or the nesting too deep)."),
    ],
)
def test_bad_json(write: Write, line: str, message: str) -> None:
    base = write("reviews.jsonl", f'{{"text": "a"}}\n{line}\n'.encode())
    assert error("reviews.jsonl", base) == f"reviews.jsonl:2: {message} {JSON_HINT}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\na,b\nc\n", f"a.csv:3: 1 value, expected 2 (text, label). {CSV_HINT}"),
        ("text,label\nwell, yes,b\n", f"a.csv:2: 3 values, expected 2 (text, label). {CSV_HINT}"),
        ('text,label\n"a"b,c\n', f"a.csv:2: not valid CSV (',' expected after '\"'). {CSV_HINT}"),
        ('text,label\na,b\n"c,d\ne,f\n', f"a.csv:3: a quoted value starts here and never ends. {CSV_HINT}"),
        ("text,label,text\n", "a.csv:1: the header names the column 'text' twice. Rename one of them."),
        ("a\rb\rc", r"a.csv:1: a lone carriage return ends a line. Save the file with \n or \r\n line ends."),
    ],
)
def test_bad_csv(write: Write, content: str, message: str) -> None:
    assert error("a.csv", write("a.csv", content.encode())) == message


def test_bad_tsv(write: Write) -> None:
    base = write("a.tsv", b'text\tlabel\n"the hill\tgood\tbad\na\tb\n')
    hint = "Put a value that holds tabs or line ends in double quotes, and double the quotes inside it."
    assert error("a.tsv", base) == f"a.tsv:2: 3 values, expected 2 (text, label). {hint}"


def test_bad_parquet(write: Write) -> None:
    message = error("a.parquet", write("a.parquet", b"not parquet at all"))
    assert message.startswith("a.parquet: not a readable Parquet file (")
    assert message.endswith("). Export it again.")


def test_tolerant_reading_goes_on_after_bad_csv(write: Write) -> None:
    base = write("a.csv", b'text,label\na,b\n"c"d,e\n"f\n\xff",g\nh\ni,j\n')
    records = list(read_records("a.csv", base=base, tolerant=True))
    assert [record.where for record in records] == [f"a.csv:{n}" for n in (2, 3, 4, 6, 7)]
    assert [type(record) for record in records] == [Record, BadRecord, BadRecord, BadRecord, Record]
    assert [record.raw for record in records if isinstance(record, BadRecord)] == ['"c"d,e', '"f\n\ufffd",g', "h"]


@QUICK
@given(content=st.binary(max_size=200), name=st.sampled_from(["a.jsonl", "a.csv", "a.tsv", "a.parquet"]))
def test_any_bytes_give_records_or_one_clear_error(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    with suppress(DataError):
        list(read_records(name, base=tmp_path))
    for record in read_records(name, base=tmp_path, tolerant=True) if name == "a.jsonl" else ():
        assert isinstance(record, Record) or record.error.startswith(name)


CONLL = "-DOCSTART- -X- O\n\nfly VB O\nto TO O\nNew NNP B-place\nYork NNP I-place\n\n\n 5  CD\tO\n"


def test_conll_files(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text(CONLL)
    records = list(read_records("a.conll", base=tmp_path))
    assert records == [
        Record({"tokens": ["fly", "to", "New", "York"], "tags": ["O", "O", "B-place", "I-place"]}, "a.conll:3"),
        Record({"tokens": ["5"], "tags": ["O"]}, "a.conll:9"),
    ]
    (tmp_path / "b.txt").write_text("alone\nhere")
    assert list(read_records("b.txt", base=tmp_path, format="conll")) == [
        Record({"tokens": ["alone", "here"]}, "b.txt:1")
    ]
    (tmp_path / "c.conll").write_text("a O\n\nb O\nc\n")
    assert error("c.conll", tmp_path) == (
        "c.conll:4: 1 column, expected 2 as in line 3. Write a token and its tag a line, and a blank line behind each "
        "sentence."
    )
    tolerant = list(read_records("c.conll", base=tmp_path, tolerant=True))
    assert [row.where for row in tolerant] == ["c.conll:1", "c.conll:3"]
