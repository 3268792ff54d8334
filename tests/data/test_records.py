"""Reading: what the standard library writes comes back, and every fault names its place and remedy."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from trimtab.data import BadRecord, Record, read_records
from trimtab.errors import TrimtabError

JSON_HINT = 'Each line must hold one whole JSON object, such as {"text": "...", "label": "..."}.'
CSV_HINT = "Put a value that holds quotes, separators or line ends in double quotes, and double the quotes inside it."

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Write = Callable[[str, bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path

    return write_file


def values(source: str, base: Path, **options: object) -> list[dict[str, object]]:
    return [record.values for record in read_records(source, base=base, **options)]  # type: ignore[union-attr, arg-type]


def error(source: str, base: Path, **options: object) -> str:
    with pytest.raises(TrimtabError) as caught:
        list(read_records(source, base=base, **options))  # type: ignore[arg-type]
    return str(caught.value)


# Round trips


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
    assert values(name, tmp_path, encoding=read_as) == expected


def test_parquet_comes_back_with_row_numbers(tmp_path: Path) -> None:
    rows = [{"text": "好 🙂", "stars": 5}, {"text": None, "stars": 1}, {"text": "x" * 100_000, "stars": 2}]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=2)
    records = list(read_records("a.parquet", base=tmp_path))
    assert records == [Record(row, f"a.parquet:{i}") for i, row in enumerate(rows, start=1)]


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(write: Write, bom: bytes) -> None:
    base = write("a.csv", bom + '"text",label\r\n好,1\r\n\r\n"a\r\nb",2\r\n'.encode())
    assert values("a.csv", base) == [{"text": "好", "label": "1"}, {"text": "a\r\nb", "label": "2"}]
    base = write("a.jsonl", bom + b'{"text": "a"}\r\n\r\n{"text": "b"}')
    assert list(read_records("a.jsonl", base=base)) == [
        Record({"text": "a"}, "a.jsonl:1"),
        Record({"text": "b"}, "a.jsonl:3"),
    ]


def test_gb18030_with_its_byte_order_mark(write: Write) -> None:
    base = write("a.jsonl", '\ufeff{"text": "味道很好 🙂"}'.encode("gb18030"))
    assert values("a.jsonl", base, encoding="gb18030") == [{"text": "味道很好 🙂"}]


def test_unicode_line_separators_do_not_end_a_line(write: Write) -> None:
    text = "a\u2028b\u2029c\x85d\x0be"
    base = write("a.jsonl", json.dumps({"text": text}, ensure_ascii=False).encode())
    assert values("a.jsonl", base) == [{"text": text}]
    base = write("a.csv", f"text\n{text}\n".encode())
    assert values("a.csv", base) == [{"text": text}]


def test_very_long_fields(write: Write) -> None:
    text = "长 long 🙂" * 20_000
    assert values("a.csv", write("a.csv", f'text,label\n"{text}",a\n'.encode()))[0]["text"] == text


def test_the_place_of_a_row_is_its_first_line(write: Write) -> None:
    base = write("a.csv", b'text,label\n"one\ntwo\nthree",a\n\nfour,b\n')
    assert [record.where for record in read_records("a.csv", base=base)] == ["a.csv:2", "a.csv:6"]


def test_columns_given_twice_in_json_count_once(write: Write) -> None:
    assert values("a.jsonl", write("a.jsonl", b'{"text": "a", "text": "b"}')) == [{"text": "b"}]


def test_reading_streams(write: Write) -> None:
    base = write("a.jsonl", b'{"text": "a"}\nbroken')
    records = read_records("a.jsonl", base=base)
    assert next(records) == Record({"text": "a"}, "a.jsonl:1")


def test_format_overrides_the_ending_and_json_counts_as_jsonl(write: Write) -> None:
    assert values("a.txt", write("a.txt", b"text\na\n"), format="csv") == [{"text": "a"}]
    assert values("a.json", write("a.json", b'{"text": "a"}\n')) == [{"text": "a"}]


# Standard input, hub names, demo data


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'\n  {"text": "a"}\n', [Record({"text": "a"}, "standard input:2")]),
        (b'\xef\xbb\xbf{"text": "a"}\n', [Record({"text": "a"}, "standard input:1")]),
        (b"one\r\n\n{two}\n", [Record({"text": t}, f"standard input:{n}") for t, n in [("one", 1), ("{two}", 3)]]),
        (b"", []),
        (b"\n \n", []),
    ],
)
def test_standard_input(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, expected: list[Record]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert list(read_records("-", base=tmp_path)) == expected


def test_standard_input_in_a_named_format(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"text,label\na,b\n")))
    assert values("-", tmp_path, format="csv") == [{"text": "a", "label": "b"}]
    buffer = io.BytesIO()
    parquet.write_table(pa.table({"text": ["a"]}), buffer)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(buffer.getvalue())))
    assert values("-", tmp_path, format="parquet") == [{"text": "a"}]


class FakeDataset(list[dict[str, object]]):
    features: ClassVar = {
        "text": SimpleNamespace(dtype="string"),
        "label": SimpleNamespace(names=["negative", "positive"]),
    }


def fake_datasets(monkeypatch: pytest.MonkeyPatch, load: Callable[..., object]) -> None:
    module = ModuleType("datasets")
    module.load_dataset = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)


def test_a_hub_name_gives_labels_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def load(name: str, split: str) -> FakeDataset:
        asked.append((name, split))
        return FakeDataset([{"text": "a", "label": 1}, {"text": "b", "label": 0}, {"text": "c", "label": -1}])

    fake_datasets(monkeypatch, load)
    records = list(read_records("hub:org/reviews:validation", base=tmp_path))
    assert records[0] == Record({"text": "a", "label": "positive"}, "hub:org/reviews:validation:1")
    assert [record.values["label"] for record in records if isinstance(record, Record)] == [
        "positive",
        "negative",
        None,
    ]
    list(read_records("hub:org/reviews", base=tmp_path))
    assert asked == [("org/reviews", "validation"), ("org/reviews", "train")]


def test_hub_errors(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert error("hub:org/reviews", tmp_path) == (
        "hub:org/reviews: hub names need the `datasets` library, which is not installed. "
        "Install it with: pip install 'trimtab[hub]'."
    )

    def load(name: str, split: str) -> FakeDataset:
        raise ValueError("Unknown split.\nShould be one of train")

    fake_datasets(monkeypatch, load)
    assert error("hub:org/reviews", tmp_path) == (
        "hub:org/reviews: `datasets` cannot load it (Unknown split). "
        "Check the name, the split and the connection, or download the data and give a file."
    )


def test_demo_data_is_resolved_by_name_after_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cached.jsonl").write_text('{"text": "a"}\n')
    monkeypatch.setattr("trimtab.sources.is_known_data", lambda name: name == "movie-reviews:dev")
    monkeypatch.setattr("trimtab.sources.find_data", lambda name: tmp_path / "cached.jsonl")
    assert list(read_records("movie-reviews:dev", base=tmp_path)) == [Record({"text": "a"}, "movie-reviews:dev:1")]


# Errors


def test_missing_file(write: Write) -> None:
    base = write("reviews.jsonl", b"")
    assert error("review.jsonl", base) == "review.jsonl: no such file. Did you mean 'reviews.jsonl'?"
    assert error("sub/x.csv", base) == f"sub/x.csv: no such file. Relative paths start at {base}."


def test_a_folder_and_an_unknown_ending(write: Write) -> None:
    base = write("reviews.xlsx", b"")
    assert error(".", base) == ".: is a folder, expected a file. Name a file inside it."
    assert error("reviews.xlsx", base) == (
        "reviews.xlsx: the ending '.xlsx' is not one of .jsonl, .ndjson, .json, .csv, .tsv, .parquet, .conll. "
        "Set data.format to jsonl, csv, tsv, parquet or conll."
    )


def test_a_file_that_may_not_be_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    base = write("a.jsonl", b"{}")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert error("a.jsonl", base) == "a.jsonl: cannot be read (Permission denied). Check the file and its path."
    monkeypatch.undo()
    assert error("a" * 300, base) == f"{'a' * 300}: cannot be read (File name too long). Check the file and its path."


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
    base = write("a.tsv", b'text\tlabel\n" the hill " , a film\tgood\n')
    assert error("a.tsv", base) == f"a.tsv:2: not valid TSV ('\t' expected after '\"'). {CSV_HINT}"


def test_bad_encoding_names_byte_and_line(write: Write) -> None:
    start = "text,label\nfine,a\nsehr "
    base = write("reviews.csv", start.encode() + b"sch\xf6n,b\n")
    assert error("reviews.csv", base) == (
        f"reviews.csv: byte {len(start) + 3} (line 3) is not valid UTF-8. "
        "If the file is in GB18030, set data.encoding=gb18030."
    )
    base = write("a.jsonl", b'{"text": "\xff"}\n')
    assert error("a.jsonl", base, encoding="gb18030") == (
        "a.jsonl: byte 10 (line 1) is not valid GB18030. If the file is in UTF-8, set data.encoding=utf-8."
    )
    base = write("b.csv", "text\n好".encode("utf-16"))
    assert error("b.csv", base) == "b.csv: the file is in UTF-16, expected UTF-8. Save it as UTF-8."


def test_bad_parquet(write: Write) -> None:
    message = error("a.parquet", write("a.parquet", b"not parquet at all"))
    assert message.startswith("a.parquet: not a readable Parquet file (")
    assert message.endswith("). Export it again.")


# Tolerant reading


def test_tolerant_reading_goes_on_after_bad_json(write: Write) -> None:
    base = write("a.jsonl", b'{"text": "a"}\nbroken\n{"text": "\xff"}\n{"text": "b"}\n')
    records = list(read_records("a.jsonl", base=base, tolerant=True))
    assert records == [
        Record({"text": "a"}, "a.jsonl:1"),
        BadRecord("a.jsonl:2", f"a.jsonl:2: not valid JSON (Expecting value, column 1). {JSON_HINT}", "broken"),
        BadRecord(
            "a.jsonl:3",
            "a.jsonl: byte 31 (line 3) is not valid UTF-8. If the file is in GB18030, set data.encoding=gb18030.",
            '{"text": "\ufffd"}',
        ),
        Record({"text": "b"}, "a.jsonl:4"),
    ]


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
    with suppress(TrimtabError):
        list(read_records(name, base=tmp_path))
    for record in read_records(name, base=tmp_path, tolerant=True) if name == "a.jsonl" else ():
        assert isinstance(record, Record) or record.error.startswith(name)
