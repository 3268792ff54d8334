"""Lines: encodings, byte order marks, line ends, and the place of every undecodable byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reading import error, values
from trimtab.data import Record, read_records

Write = Callable[[str, bytes], Path]


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


def test_bad_encoding_names_byte_and_line(write: Write) -> None:
    start = "text,label\nfine,a\nsehr "
    base = write("reviews.csv", start.encode() + b"sch\xf6n,b\n")
    assert error("reviews.csv", base) == (
        f"reviews.csv: byte {len(start) + 3} (line 3) is not valid UTF-8. "
        "Set data.encoding to the file's own: gb18030, latin-1 or another."
    )
    base = write("a.jsonl", b'{"text": "\xff"}\n')
    assert error("a.jsonl", base, encoding="gb18030") == (
        "a.jsonl: byte 10 (line 1) is not valid GB18030. Set data.encoding to the file's own: utf-8, "
        "latin-1 or another."
    )
    base = write("b.csv", "text\n好".encode("utf-16"))
    assert error("b.csv", base) == (
        "b.csv: the file is in UTF-16, expected UTF-8. Set the encoding to utf-16, or save it as UTF-8."
    )
