"""A plain text file as pieces of text, whatever its size or its lines. Knows nothing about rows."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from trimtab.data.files import PACKED, find_file, opened
from trimtab.data.lines import UTF16_MARKS, others, standard_input, utf16_error
from trimtab.data.records import source_name
from trimtab.errors import DataError

# Bytes read at a time.
PIECE = 1 << 16


def read_text(
    source: str,
    *,
    base: Path,
    encoding: str = "utf-8",
    option: str = "--encoding",
    on_bytes: Callable[[int, int | None], None] | None = None,
) -> Iterator[str]:
    """The text of a file, or of standard input (`-`), in pieces; line ends stay as they are, a byte order mark goes.

    Args:
        source: the file.
        base: folder at which a relative path starts.
        encoding: text encoding.
        option: what sets it, as messages say it.
        on_bytes: told how many bytes are read, of how many (None where that is not known).

    Raises:
        DataError: at the call, no such file; later, a file that cannot be read or holds no text in this encoding.
    """
    told = on_bytes or (lambda done, total: None)
    if source == "-":
        return _decoded(standard_input(), source_name(source), encoding, option, lambda done: told(done, None))
    return _read(find_file(source, base), source, encoding, option, told)


def _read(path: Path, name: str, encoding: str, option: str, told: Callable[[int, int | None], None]) -> Iterator[str]:
    with opened(path, name) as stream:
        packed = path.suffix.lower() in PACKED
        size = None if packed else path.stat().st_size
        yield from _decoded(stream, name, encoding, option, lambda done: told(done, size))


def _decoded(stream: BinaryIO, name: str, encoding: str, option: str, told: Callable[[int], None]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    offset = 0
    while True:
        raw = stream.read(PIECE)
        wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
        if offset == 0 and raw.startswith(UTF16_MARKS) and not wide:
            raise utf16_error(name)
        if b"\0" in raw and not wide:
            raise DataError(f"{name}: byte {offset + raw.index(0)} is NUL: not a text file.", "Give a text.")
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(raw, final=not raw)
        except UnicodeDecodeError as fault:
            found = f"byte {offset - held + fault.start} is not valid {encoding.upper()}"
            hint = f"If it is a text in another encoding, say so ({option} {others(encoding)})."
            raise DataError(f"{name}: {found}.", hint) from None
        yield text.removeprefix("\ufeff") if offset == 0 else text
        offset += len(raw)
        told(offset)
        if not raw:
            return
