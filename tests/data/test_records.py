"""Sources: files, standard input, demo data; what cannot be read, and reading that goes on behind a bad row."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from reading import error, values
from trimtab.data import BadRecord, Record, read_records

JSON_HINT = 'Each line must hold one whole JSON object, such as {"text": "...", "label": "..."}.'
Write = Callable[[str, bytes], Path]


def test_reading_streams(write: Write) -> None:
    base = write("a.jsonl", b'{"text": "a"}\nbroken')
    records = read_records("a.jsonl", base=base)
    assert next(records) == Record({"text": "a"}, "a.jsonl:1")


def test_format_overrides_the_ending_and_json_counts_as_jsonl(write: Write) -> None:
    assert values("a.txt", write("a.txt", b"text\na\n"), format="csv") == [{"text": "a"}]
    assert values("a.json", write("a.json", b'{"text": "a"}\n')) == [{"text": "a"}]


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


def test_demo_data_is_resolved_by_name_after_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cached.jsonl").write_text('{"text": "a"}\n')
    monkeypatch.setattr("trimtab.sources.is_known_data", lambda name: name == "movie-reviews:dev")
    monkeypatch.setattr("trimtab.sources.find_data", lambda name: tmp_path / "cached.jsonl")
    assert list(read_records("movie-reviews:dev", base=tmp_path)) == [Record({"text": "a"}, "movie-reviews:dev:1")]


def test_missing_file(write: Write) -> None:
    base = write("reviews.jsonl", b"")
    assert error("review.jsonl", base) == "review.jsonl: no such file. Did you mean 'reviews.jsonl'?"
    assert error("sub/x.csv", base) == f"sub/x.csv: no such file. Relative paths start at {base}."


def test_a_folder_and_an_unknown_ending(write: Write) -> None:
    base = write("reviews.xlsx", b"")
    assert error(".", base) == ".: is a folder, expected a file. Name a file inside it."
    assert error("reviews.xlsx", base) == (
        "reviews.xlsx: the ending '.xlsx' is not one of .jsonl, .ndjson, .json, .csv, .tsv, .parquet, .conll, .txt (or "
        "one of these and .gz, .bz2 or .xz). Set data.format to jsonl, json, csv, tsv, parquet, conll or lines."
    )


def test_a_file_that_may_not_be_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    base = write("a.jsonl", b"{}")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert error("a.jsonl", base) == "a.jsonl: cannot be read (Permission denied). Check the file and its path."
    monkeypatch.undo()
    assert error("a" * 300, base) == f"{'a' * 300}: cannot be read (File name too long). Check the file and its path."


def test_tolerant_reading_goes_on_after_bad_json(write: Write) -> None:
    base = write("a.jsonl", b'{"text": "a"}\nbroken\n{"text": "\xff"}\n{"text": "b"}\n')
    records = list(read_records("a.jsonl", base=base, tolerant=True))
    assert records == [
        Record({"text": "a"}, "a.jsonl:1"),
        BadRecord("a.jsonl:2", f"a.jsonl:2: not valid JSON (Expecting value, column 1). {JSON_HINT}", "broken"),
        BadRecord(
            "a.jsonl:3",
            "a.jsonl: byte 31 (line 3) is not valid UTF-8. Set data.encoding to the file's own: gb18030, latin-1 "
            "or another.",
            '{"text": "\ufffd"}',
        ),
        Record({"text": "b"}, "a.jsonl:4"),
    ]
