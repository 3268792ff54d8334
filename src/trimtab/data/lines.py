"""Bytes to decoded lines, with the place of every fault. Knows nothing about what a line holds."""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from trimtab.errors import DataError

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# Encodings in which what a byte means depends on those before it in other lines.
_STATEFUL = re.compile("hz|utf[-_]?7|iso2022|iso-2022")


def standard_input() -> BinaryIO:
    """The bytes of standard input. Raises DataError where it is closed (`<&-`)."""
    if sys.stdin is None:
        raise DataError("standard input: closed.", "Give a file, or pipe rows in.")
    return sys.stdin.buffer


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


def read_lines(stream: Iterable[bytes], name: str, encoding: str) -> Iterator[Line]:
    r"""Decode `stream` line by line; a line ends at `\n` only, so U+2028 and its like stay inside.

    Where the byte 0x0A occurs as a line end only, as in UTF-8, GB18030 and all of one byte a character, lines are cut
    before they are decoded, and a fault is one line's; elsewhere (UTF-16) it is the rest of the file's. A byte order
    mark at the start is dropped. (io.TextIOWrapper's faults have no place in the file.)

    Args:
        stream: lines of bytes.
        name: the file, for messages.
        encoding: a text encoding that Python knows.
    """
    lines = _cut_first(stream, name, encoding) if _ends_lines_in_bytes(encoding) else _cut_last(stream, name, encoding)
    for line in lines:
        yield Line(1, line.text.removeprefix("\ufeff"), line.error) if line.number == 1 else line


def _ends_lines_in_bytes(encoding: str) -> bool:
    return "\n".encode(encoding) == b"\n" and not _STATEFUL.match(codecs.lookup(encoding).name)


def _cut_first(stream: Iterable[bytes], name: str, encoding: str) -> Iterator[Line]:
    offset = 0
    for number, raw in enumerate(stream, start=1):
        try:
            line = Line(number, raw.decode(encoding))
        except UnicodeDecodeError as fault:
            error = _encoding_error(raw, name, number, offset + fault.start, encoding)
            line = Line(number, raw.decode(encoding, errors="replace"), error)
        offset += len(raw)
        yield line


def _cut_last(stream: Iterable[bytes], name: str, encoding: str) -> Iterator[Line]:
    decoder = codecs.getincrementaldecoder(encoding)()
    number, offset, kept = 1, 0, ""
    for raw, final in _with_end(stream):
        held = len(decoder.getstate()[0])
        try:
            kept += decoder.decode(raw, final)
        except UnicodeDecodeError as fault:
            number += fault.object[: fault.start].count(b"\n")
            error = _encoding_error(b"", name, number, max(0, offset - held + fault.start), encoding)
            yield Line(number, kept + "\ufffd", error)
            return
        offset += len(raw)
        *lines, kept = kept.split("\n")
        for text in lines:
            yield Line(number, text + "\n")
            number += 1
    if kept:
        yield Line(number, kept)


def _with_end(stream: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The pieces of a stream, none of them the last, and an empty last one."""
    for raw in stream:
        yield raw, False
    yield b"", True


def utf16_error(name: str) -> DataError:
    """What to say of a file that begins with a mark of UTF-16 and is read as something else."""
    return DataError(
        f"{name}: the file is in UTF-16, expected UTF-8.", "Set the encoding to utf-16, or save it as UTF-8."
    )


def _encoding_error(raw: bytes, name: str, number: int, byte: int, encoding: str) -> DataError:
    if number == 1 and raw.startswith(UTF16_MARKS):
        return utf16_error(name)
    hint = f"Set data.encoding to the file's own: {others(encoding)}."
    return DataError(f"{name}: byte {byte} (line {number}) is not valid {encoding.upper()}.", hint)


def others(encoding: str) -> str:
    """Encodings that a file which is not in this one may be in."""
    first = "utf-8" if codecs.lookup(encoding).name != "utf-8" else "gb18030"
    return f"{first}, latin-1 or another"
