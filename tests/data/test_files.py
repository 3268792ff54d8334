"""Several files, patterns, packed files, encodings by name, lines of text."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reading import error, values
from trimtab.data import Record, load_splits, read_records
from trimtab.data.files import ending, holds_rows
from trimtab.data.records import check_source
from trimtab.errors import DataError, TaskError
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import LABEL
from trimtab.settings.file import make_task, read_task
from trimtab.settings.task import DataSettings
from trimtab.sources.places import absolute, is_here

Write = Callable[[str, bytes], Path]


def places(source: object, base: Path, **options: object) -> list[str]:
    return [record.where for record in read_records(source, base=base, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(("pack", "end"), [(gzip.compress, ".gz"), (bz2.compress, ".bz2"), (lzma.compress, ".xz")])
def test_packed_files(write: Write, pack: Callable[[bytes], bytes], end: str) -> None:
    base = write(f"a.jsonl{end}", pack(b'{"text": "a"}\n{"text": "b"}\n'))
    assert list(read_records(f"a.jsonl{end}", base=base)) == [
        Record({"text": t}, f"a.jsonl{end}:{n}") for n, t in enumerate("ab", 1)
    ]
    write(f"b.csv{end}", pack(b"text\na\n"))
    assert values(f"b.csv{end}", base) == [{"text": "a"}]
    whole = pack(b'{"text": "a"}\n' * 500)
    write(f"c.jsonl{end}", whole[: len(whole) // 2])
    assert error(f"c.jsonl{end}", base).startswith(f"c.jsonl{end}: ")
    write(f"d.jsonl{end}", b'{"text": "a"}\n')
    assert error(f"d.jsonl{end}", base).startswith(f"d.jsonl{end}: ")


def test_endings() -> None:
    assert [ending(name) for name in ("a.JSONL.GZ", "a.tar.gz", "a.gz", "a.txt", "a")] == [
        ".jsonl",
        ".tar",
        "",
        ".txt",
        "",
    ]
    assert [holds_rows(name) for name in ("a.csv.gz", "a.txt", "a.txt.gz", "a.json")] == [True, False, False, True]


def test_several_files_and_patterns_are_read_in_order(write: Write) -> None:
    for name in ("part-2.jsonl", "part-1.jsonl", "other.csv"):
        base = write(name, b"text\na\n" if name.endswith("csv") else b'{"text": "a"}\n')
    (base / "part-3.jsonl").mkdir()
    assert places("part-*.jsonl", base) == ["part-1.jsonl:1", "part-2.jsonl:1"]
    assert places(["other.csv", "part-*.jsonl"], base) == ["other.csv:2", "part-1.jsonl:1", "part-2.jsonl:1"]
    assert places(str(base / "part-[12].jsonl"), Path("/")) == [f"{base}/part-1.jsonl:1", f"{base}/part-2.jsonl:1"]
    check_source(["other.csv", "part-*.jsonl"], base=base)
    assert error("part-*.csv", base) == (f"part-*.csv: no file matches this pattern. Relative paths start at {base}.")
    with pytest.raises(DataError) as caught:
        check_source(["other.csv", "otter.csv"], base=base)
    assert str(caught.value) == "otter.csv: no such file. Did you mean 'other.csv'?"


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(write: Write) -> None:
    base = write("a[1].jsonl", b'{"text": "a"}\n')
    assert places("a[1].jsonl", base) == ["a[1].jsonl:1"]


def test_several_files_in_a_task(write: Write, tmp_path: Path) -> None:
    rows = [b'{"text": "%d", "label": "%s"}\n' % (i, b"a" if i % 2 else b"b") for i in range(40)]
    write("1.jsonl", b"".join(rows[:20]))
    base = write("2.jsonl", b"".join(rows[20:]))
    (base / "task.yaml").write_text("data: {train: ['1.jsonl', '2.jsonl'], dev: '[12].jsonl'}\n")
    data = read_task(base / "task.yaml").data
    splits = load_splits(data, ["text"], kind_of(LABEL), base=base)
    assert [len(splits.train), len(splits.dev)] == [40, 40]
    assert read_task(base / "task.yaml", ["data.train=[2.jsonl]"]).data.train == ["2.jsonl"]
    resolved = absolute(["1.jsonl", "[12].jsonl", "-"], base)
    assert resolved == [f"{base}/1.jsonl", f"{base}/[12].jsonl", "-"]
    assert [is_here(resolved[:2]), is_here([*resolved[:1], "/no/such"]), is_here([])] == [True, False, False]
    with pytest.raises(TaskError) as caught:
        load_splits(DataSettings(train=["-", "1.jsonl"], test="-"), ["text"], kind_of(LABEL), base=base)
    assert str(caught.value) == "Standard input is named for more than one split. Use files for the others."


def test_an_empty_list_of_files() -> None:
    with pytest.raises(TaskError) as caught:
        make_task({"data": {"train": []}})
    assert str(caught.value) == (
        "task: data.train: Value error, an empty list: name a file, or leave it out (found []). See docs/task-file.md."
    )


def test_lines_of_text(write: Write) -> None:
    base = write("a.txt", b"one\r\n\n{two}\n")
    assert list(read_records("a.txt", base=base)) == [
        Record({"text": "one"}, "a.txt:1"), Record({"text": "{two}"}, "a.txt:3"),
    ]  # fmt: skip
    assert values("a.csv", write("a.csv", b"one, two\n"), format="lines") == [{"text": "one, two"}]


@pytest.mark.parametrize(
    "encoding",
    ["latin-1", "cp1252", "iso-8859-15", "cp1251", "koi8-r", "utf-16", "utf-16-le", "utf-32", "utf-8-sig", "mac_roman"],
)
def test_encodings_by_name(write: Write, encoding: str) -> None:
    text = "Привет" if encoding in ("cp1251", "koi8-r") else "schön für Ü"
    base = write("a.csv", f"text,label\r\n{text},1\r\n\r\n{text},2\r\n".encode(encoding))
    assert values("a.csv", base, encoding=encoding) == [{"text": text, "label": "1"}, {"text": text, "label": "2"}]
    assert places("a.csv", base, encoding=encoding) == ["a.csv:2", "a.csv:4"]


@pytest.mark.parametrize("encoding", ["big5", "gbk", "shift_jis", "euc-kr", "iso2022_jp", "hz", "utf-7"])
def test_encodings_of_several_bytes_by_name(write: Write, encoding: str) -> None:
    text = "한국" if encoding == "euc-kr" else "日本中文"
    base = write("a.jsonl", f'{{"text": "{text}"}}\n{{"text": "a"}}\n'.encode(encoding))
    assert values("a.jsonl", base, encoding=encoding) == [{"text": text}, {"text": "a"}]


def test_what_is_not_in_the_encoding_that_is_named(write: Write) -> None:
    base = write("a.csv", "text\nab\n".encode("utf-16-le") + b"\x00\xd8\x00\xd8")
    assert error("a.csv", base, encoding="utf-16-le") == (
        "a.csv: byte 16 (line 3) is not valid UTF-16-LE. "
        "Set data.encoding to the file's own: utf-8, latin-1 or another."
    )


@pytest.mark.parametrize("name", ["utf9", "base64", "rot13", "zlib", ""])
def test_names_of_no_encoding(name: str) -> None:
    with pytest.raises(TaskError) as caught:
        make_task({"data": {"encoding": name}})
    assert str(caught.value).startswith("task: data.encoding: Value error, no text encoding that is known.")


def test_typed_json_lines_are_not_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    taken = []

    class Typed(io.BytesIO):
        def __next__(self) -> bytes:
            line = super().__next__()
            taken.append(line)
            return line

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Typed(b'{"text": "a"}\n{"text": "b"}\n')))
    first = next(read_records("-", base=tmp_path, format="jsonl"))
    assert (first.where, len(taken)) == ("standard input:1", 1)
