"""A source of examples (file, hub name, demo data, standard input) to records. Knows nothing about fields or labels."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal

from trimtab.data.formats import (
    Fault,
    Row,
    read_conll,
    read_jsonl,
    read_jsonl_or_text,
    read_parquet,
    read_table,
)
from trimtab.data.hub import read_hub
from trimtab.data.lines import Encoding, read_lines
from trimtab.errors import DataError, did_you_mean

Format = Literal["auto", "jsonl", "csv", "tsv", "parquet", "conll"]

ROW_ENDINGS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".conll": "conll",
}


@dataclass(frozen=True)
class Record:
    """One row of a source, columns as they stand.

    Attributes:
        values: column -> value.
        where: place of origin, e.g. `reviews.jsonl:12` (the first physical line; the row number for Parquet and hub).
    """

    values: dict[str, object]
    where: str


@dataclass(frozen=True)
class BadRecord:
    """One row that cannot be read; only tolerant reading yields it.

    Attributes:
        where: place of origin, e.g. `reviews.jsonl:12`.
        error: the whole message, place and remedy included, that strict reading would raise.
        raw: the row as it stands, undecodable bytes as U+FFFD.
    """

    where: str
    error: str
    raw: str


def source_name(source: str) -> str:
    """Return the name of `source` in messages: itself, or `standard input` for `-`."""
    return "standard input" if source == "-" else source


def read_records(
    source: str,
    *,
    base: Path,
    format: Format = "auto",
    encoding: Encoding = "utf-8",
    tolerant: bool = False,
) -> Iterator[Record | BadRecord]:
    """Stream the records of `source`, line by line.

    Args:
        source: a file, `-` for standard input, `hub:NAME[:SPLIT]`, or the name of a known demo data set.
        base: folder at which relative paths start.
        format: file format; `auto` goes by the file name's ending. On standard input, `auto` reads JSON Lines if the
            first character that is not blank is `{`, else each line as `{"text": line}`.
        encoding: text encoding; a byte order mark is dropped.
        tolerant: yield a `BadRecord` for a bad row and go on, instead of raising.

    Raises:
        DataError: at the call, no such file or an unknown ending; later, an unreadable file or the first bad row.
    """
    rows = _open_source(source, base, format, encoding)
    return _as_records(rows, source_name(source), tolerant)


def read_all(source: str, *, base: Path, format: Format = "auto", encoding: Encoding = "utf-8") -> list[Record]:
    """Read the whole of `source`.

    Raises:
        DataError: as `read_records`, or there are no rows.
    """
    rows = read_records(source, base=base, format=format, encoding=encoding)
    records = [row for row in rows if isinstance(row, Record)]
    if not records:
        raise DataError(f"{source_name(source)}: no rows.", "Check the file: it needs one example a row.")
    return records


def _as_records(rows: Iterator[Row | Fault], name: str, tolerant: bool) -> Iterator[Record | BadRecord]:
    for row in rows:
        where = f"{name}:{row.place}"
        if isinstance(row, Row):
            yield Record(row.values, where)
        elif tolerant:
            yield BadRecord(where, str(row.error), row.raw)
        else:
            raise row.error


def _open_source(source: str, base: Path, format: Format, encoding: Encoding) -> Iterator[Row | Fault]:
    if source == "-":
        stream = BytesIO(sys.stdin.buffer.read()) if format == "parquet" else sys.stdin.buffer
        return _read_stream(stream, source_name(source), format, encoding)
    if source.startswith("hub:"):
        return read_hub(source)
    path = find_file(source, base)
    return _read_file(path, source, _pick_format(path, source) if format == "auto" else format, encoding)


def check_source(source: str, *, base: Path) -> None:
    """Raise DataError where there is nothing to open under that name; standard input is left alone."""
    if source.startswith("hub:"):
        read_hub(source)
    elif source != "-":
        find_file(source, base)


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


def unreadable(source: str, fault: OSError) -> DataError:
    """What to say of a file that the system refuses."""
    return DataError(f"{source}: cannot be read ({fault.strerror or fault}).", "Check the file and its path.")


def _pick_format(path: Path, source: str) -> Format:
    ending = path.suffix.lower()
    if ending not in ROW_ENDINGS:
        message = f"{source}: the ending '{ending}' is not one of {', '.join(ROW_ENDINGS)}."
        raise DataError(message, "Set data.format to jsonl, csv, tsv, parquet or conll.")
    return ROW_ENDINGS[ending]


def _read_file(path: Path, name: str, format: Format, encoding: Encoding) -> Iterator[Row | Fault]:
    try:
        with path.open("rb") as stream:
            yield from _read_stream(stream, name, format, encoding)
    except OSError as fault:
        raise unreadable(name, fault) from fault


def _read_stream(stream: BinaryIO, name: str, format: Format, encoding: Encoding) -> Iterator[Row | Fault]:
    match format:
        case "jsonl":
            return read_jsonl(read_lines(stream, name, encoding), name)
        case "csv":
            return read_table(read_lines(stream, name, encoding), name, ",")
        case "tsv":
            return read_table(read_lines(stream, name, encoding), name, "\t")
        case "conll":
            return read_conll(read_lines(stream, name, encoding), name)
        case "parquet":
            return read_parquet(stream, name)
        case "auto":
            return read_jsonl_or_text(read_lines(stream, name, encoding), name)
