"""The files that a source names: globs, formats by endings, compression, demo data. Knows nothing about rows."""

from __future__ import annotations

import bz2
import glob
import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, cast

from trimtab.errors import DataError, did_you_mean

Format = Literal["auto", "jsonl", "json", "csv", "tsv", "parquet", "conll", "lines"]

ROW_ENDINGS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".conll": "conll",
}
# A text file holds a row a line where rows are looked for; elsewhere it is a text.
_TEXT_ENDING = ".txt"
PACKED = (".gz", ".bz2", ".xz")
# What a damaged compressed file raises, beside OSError.
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError)
_GLOB = "*?["


def ending(source: str) -> str:
    """The ending that tells a file's format, in small letters, without that of its compression."""
    path = Path(source)
    return (path.with_suffix("") if path.suffix.lower() in PACKED else path).suffix.lower()


def holds_rows(source: str) -> bool:
    """Whether a file's name says that it holds rows, and not a text."""
    return ending(source) in ROW_ENDINGS


def pick_format(path: Path, source: str) -> Format:
    """The format of a file, by its name. Raises DataError at an ending that tells of none, which `source` has."""
    found = ending(path.name)
    if found == _TEXT_ENDING:
        return "lines"
    if found not in ROW_ENDINGS:
        listed = ", ".join([*ROW_ENDINGS, _TEXT_ENDING])
        message = f"{source}: the ending '{found}' is not one of {listed} (or one of these and .gz, .bz2 or .xz)."
        raise DataError(message, "Set data.format to jsonl, json, csv, tsv, parquet, conll or lines.")
    return ROW_ENDINGS[found]


def matching(source: str, base: Path) -> list[str]:
    """The files that a source names, as they are to be called: itself, or in order what its pattern matches.

    Raises:
        DataError: a pattern that no file matches.
    """
    if not any(letter in source for letter in _GLOB) or (base / source).exists():
        return [source]
    pattern = base / Path(source).expanduser() if source.startswith("~/") else base / source
    paths = sorted(glob.glob(str(pattern), recursive=True))  # noqa: PTH207  (Path's takes no absolute pattern)
    found = [path for path in map(Path, paths) if path.is_file()]
    if not found:
        raise DataError(f"{source}: no file matches this pattern.", f"Relative paths start at {base.resolve()}.")
    relative = not Path(source).expanduser().is_absolute() and not source.startswith("~/")
    return [str(path.relative_to(base)) if relative and path.is_relative_to(base) else str(path) for path in found]


def find_file(source: str, base: Path) -> Path:
    """The file of a source, of demo data too. Raises DataError where there is none (the nearest is named)."""
    try:
        return _find(source, base)
    except OSError as fault:  # no permission on the way, a name too long
        raise unreadable(source, fault) from fault


def _find(source: str, base: Path) -> Path:
    path = base / (Path(source).expanduser() if source.startswith("~/") else source)
    if path.is_dir():
        raise DataError(f"{source}: is a folder, expected a file.", "Name a file inside it.")
    if path.exists():
        return path
    from trimtab.sources import find_data, is_known_data

    if is_known_data(source):
        return find_data(source)
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = did_you_mean(path.name, beside) or f"Relative paths start at {base.resolve()}."
    raise DataError(f"{source}: no such file.", hint)


@contextmanager
def opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """A file to read bytes of, unpacked where its name says that it is compressed.

    Raises:
        DataError: it cannot be opened or, within, read.
    """
    try:
        with _open(path) as stream:
            yield stream
    except _DAMAGED as fault:
        raise DataError(f"{name}: the compressed file is damaged ({fault}).", "Fetch or pack it again.") from fault
    except OSError as fault:
        raise unreadable(name, fault) from fault


def _open(path: Path) -> BinaryIO:
    match path.suffix.lower():
        case ".gz":
            return cast("BinaryIO", gzip.open(path, "rb"))
        case ".bz2":
            return cast("BinaryIO", bz2.open(path, "rb"))
        case ".xz":
            return cast("BinaryIO", lzma.open(path, "rb"))
        case _:
            return path.open("rb")


def unreadable(source: str, fault: OSError) -> DataError:
    """What to say of a file that the system refuses."""
    return DataError(f"{source}: cannot be read ({fault.strerror or fault}).", "Check the file and its path.")
