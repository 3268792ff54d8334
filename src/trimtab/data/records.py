"""A source of examples (files, hub name, demo data, standard input, memory) to records. Knows nothing about fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from trimtab.data.files import Format, find_file, matching, opened, pick_format
from trimtab.data.formats.conll import read_conll
from trimtab.data.formats.json_rows import read_json, read_jsonl, read_jsonl_or_text
from trimtab.data.formats.parquet import read_parquet
from trimtab.data.formats.row import Fault, Row
from trimtab.data.formats.tables import read_table
from trimtab.data.formats.text_lines import read_text
from trimtab.data.hub import read_hub
from trimtab.data.lines import read_lines, standard_input
from trimtab.data.memory import RowsInMemory, read_memory
from trimtab.errors import DataError

# A file, a pattern of files, `-`, a hub name, the name of demo data; or several, which are read one after another.
Source = str | Sequence[str]

_ABSENT = object()


@dataclass(frozen=True)
class InMemory:
    """Rows in memory, and what they are called in messages."""

    name: str
    rows: RowsInMemory


@dataclass(frozen=True)
class Record:
    """One row of a source, columns as they stand.

    A column within another is named with dots: `translation.en`, `answers.text`, which of a list of objects is the list
    of their texts, and `answers.0.text`. A column whose own name has the dots comes first.

    Attributes:
        values: column -> value.
        where: place of origin, e.g. `reviews.jsonl:12` (the first physical line; the row number for Parquet, JSON
            documents, hub and memory).
    """

    values: dict[str, object]
    where: str

    def has(self, column: str) -> bool:
        """Whether there is such a column."""
        return _within(self.values, column.split(".")) is not _ABSENT

    def get(self, column: str) -> object:
        """The value in a column; None where there is no such column."""
        found = _within(self.values, column.split("."))
        return None if found is _ABSENT else found

    @property
    def columns(self) -> list[str]:
        """The columns, those within objects by their dotted names."""
        return [
            name
            for column, value in self.values.items()
            for name in ([f"{column}.{key}" for key in value] if isinstance(value, Mapping) and value else [column])
        ]


def _within(value: object, path: Sequence[str]) -> object:
    """What stands at the end of a path, null where it ends early at one; `_ABSENT` where there is no such place."""
    if not path or value is None:
        return value
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):  # JSON in a table's cell
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return _ABSENT
    if isinstance(value, Mapping):
        names = (".".join(path[:cut]) for cut in range(len(path), 0, -1))
        name = next((name for name in names if name in value), None)
        return _ABSENT if name is None else _within(value[name], path[name.count(".") + 1 :])
    if isinstance(value, list) and path[0].isdecimal():
        return _within(value[int(path[0])], path[1:]) if int(path[0]) < len(value) else _ABSENT
    if isinstance(value, list):
        found = [_within(item, path) for item in value]
        return _ABSENT if _ABSENT in found else found
    return _ABSENT


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


def source_name(source: Source | InMemory | None) -> str:
    """What a source is called in messages: by itself, `-` by what it is; None, for rows in memory, `train`."""
    if source is None or isinstance(source, InMemory):
        return "train" if source is None else source.name
    names = [source] if isinstance(source, str) else source
    return ", ".join("standard input" if name == "-" else name for name in names)


def read_records(
    source: Source | InMemory,
    *,
    base: Path,
    format: Format = "auto",
    encoding: str = "utf-8",
    tolerant: bool = False,
) -> Iterator[Record | BadRecord]:
    """Stream the records of `source`, line by line.

    Args:
        source: a file, a pattern of files (`part-*.jsonl`), `-` for standard input, `hub:NAME[:CONFIGURATION][:SPLIT]`,
            or the name of a known demo data set; or several, which are read one after another; or rows in memory.
        base: folder at which relative paths start.
        format: file format; `auto` goes by the file name's ending. On standard input, `auto` reads JSON Lines if the
            first character that is not blank is `{`, else each line as `{"text": line}`.
        encoding: text encoding; a byte order mark is dropped.
        tolerant: yield a `BadRecord` for a bad row and go on, instead of raising.

    Raises:
        DataError: at the call, no such file or an unknown ending; later, an unreadable file or the first bad row.
    """
    if isinstance(source, InMemory):
        return _as_records(read_memory(source.rows, source.name), source.name, tolerant)
    sources = [one for given in _each(source) for one in _files(given, base)]
    parts = [(one, _open_source(one, base, format, encoding)) for one in sources]
    return (record for one, rows in parts for record in _as_records(rows, source_name(one), tolerant))


def read_all(
    source: Source | InMemory, *, base: Path, format: Format = "auto", encoding: str = "utf-8"
) -> list[Record]:
    """Read the whole of `source`.

    Raises:
        DataError: as `read_records`, or there are no rows.
    """
    rows = read_records(source, base=base, format=format, encoding=encoding)
    records = [row for row in rows if isinstance(row, Record)]
    if not records:
        raise DataError(f"{source_name(source)}: no rows.", "Check the file: it needs one example a row.")
    return records


def check_source(source: Source, *, base: Path) -> None:
    """Raise DataError where there is nothing to open under that name; standard input is left alone."""
    for given in _each(source):
        for one in _files(given, base):
            if one.startswith("hub:"):
                read_hub(one)
            elif one != "-":
                find_file(one, base)


def _each(source: Source) -> Sequence[str]:
    return [source] if isinstance(source, str) else source


def _files(source: str, base: Path) -> list[str]:
    return [source] if source == "-" or source.startswith("hub:") else matching(source, base)


def _as_records(rows: Iterator[Row | Fault], name: str, tolerant: bool) -> Iterator[Record | BadRecord]:
    for row in rows:
        where = f"{name}:{row.place}"
        if isinstance(row, Row):
            yield Record(row.values, where)
        elif tolerant:
            yield BadRecord(where, str(row.error), row.raw)
        else:
            raise row.error


def _open_source(source: str, base: Path, format: Format, encoding: str) -> Iterator[Row | Fault]:
    if source == "-":
        stream = BytesIO(standard_input().read()) if format == "parquet" else standard_input()
        if format == "jsonl":  # which may be typed, and is not waited for
            return read_jsonl(read_lines(stream, source_name(source), encoding), source_name(source))
        return _read_stream(stream, source_name(source), format, encoding)
    if source.startswith("hub:"):
        return read_hub(source)
    path = find_file(source, base)
    return _read_file(path, source, pick_format(path, source) if format == "auto" else format, encoding)


def _read_file(path: Path, name: str, format: Format, encoding: str) -> Iterator[Row | Fault]:
    with opened(path, name) as stream:
        yield from _read_stream(stream, name, format, encoding)


def _read_stream(stream: BinaryIO, name: str, format: Format, encoding: str) -> Iterator[Row | Fault]:
    match format:
        case "jsonl" | "json":
            return read_json(read_lines(stream, name, encoding), name)
        case "csv":
            return read_table(read_lines(stream, name, encoding), name, ",")
        case "tsv":
            return read_table(read_lines(stream, name, encoding), name, "\t")
        case "conll":
            return read_conll(read_lines(stream, name, encoding), name)
        case "parquet":
            return read_parquet(stream, name)
        case "lines":
            return read_text(read_lines(stream, name, encoding))
        case "auto":
            return read_jsonl_or_text(read_lines(stream, name, encoding), name)
