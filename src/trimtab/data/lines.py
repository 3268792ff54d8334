"""Bytes to decoded lines, with the place of every fault. Knows nothing about what a line holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from trimtab.errors import DataError

Encoding = Literal["utf-8", "gb18030"]

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Line:
    """One physical line of a file.

    Attributes:
        number: line number, counted from 1.
        text: the decoded line with its line end; undecodable bytes stand as U+FFFD.
        error: what is wrong with its encoding, or None.
    """

    number: int
    text: str
    error: DataError | None = None


def read_lines(stream: Iterable[bytes], name: str, encoding: Encoding) -> Iterator[Line]:
    r"""Decode `stream` line by line; a line ends at `\n` only, so U+2028 and its like stay inside.

    In both encodings the byte 0x0A occurs as a line end only, so lines can be cut before they are decoded.
    A byte order mark at the start is dropped. (io.TextIOWrapper's faults have no place in the file.)
    """
    offset = 0
    for number, raw in enumerate(stream, start=1):
        try:
            line = Line(number, raw.decode(encoding))
        except UnicodeDecodeError as fault:
            error = _encoding_error(raw, name, number, offset + fault.start, encoding)
            line = Line(number, raw.decode(encoding, errors="replace"), error)
        offset += len(raw)
        yield Line(1, line.text.removeprefix("\ufeff"), line.error) if number == 1 else line


def _encoding_error(raw: bytes, name: str, number: int, byte: int, encoding: Encoding) -> DataError:
    if number == 1 and raw.startswith(_UTF16_MARKS):
        return DataError(f"{name}: the file is in UTF-16, expected UTF-8.", "Save it as UTF-8.")
    if encoding == "gb18030":
        hint = "If the file is in UTF-8, set data.encoding=utf-8."
        return DataError(f"{name}: byte {byte} (line {number}) is not valid GB18030.", hint)
    hint = "If the file is in GB18030, set data.encoding=gb18030."
    return DataError(f"{name}: byte {byte} (line {number}) is not valid UTF-8.", hint)
