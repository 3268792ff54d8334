"""JSON Lines, CSV, TSV, Parquet, CoNLL and text to rows. Knows nothing about where files are or what columns mean.

Every reader yields `(place, values)` or `Fault`s: it never raises for a bad row, so that the caller may go on.
The place of a row is its first physical line, or its row number in a Parquet file, counted from 1. (pandas, pyarrow.csv
and `datasets` do not say it, which is why the csv and json of the standard library read.)
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from trimtab.data.lines import Line
from trimtab.errors import DataError

# The largest value that the csv module takes on every platform (a C long has 32 bits on Windows).
csv.field_size_limit(2**31 - 1)

_JSON_HINT = 'Each line must hold one whole JSON object, such as {"text": "...", "label": "..."}.'
_CONLL_HINT = "Write a token and its tag a line, and a blank line behind each sentence."
_CSV_HINT = "Put a value that holds quotes, separators or line ends in double quotes, and double the quotes inside it."


@dataclass(frozen=True)
class Row:
    """A good row: its place and its values by column."""

    place: int
    values: dict[str, object]


@dataclass(frozen=True)
class Fault:
    """A bad row: its place, what is wrong with it, and its text as it stands."""

    place: int
    error: DataError
    raw: str


def read_jsonl(lines: Iterable[Line], name: str) -> Iterator[Row | Fault]:
    """Read one JSON object a line; blank lines are passed over."""
    for line in lines:
        if line.text.strip():
            yield _parse_json(line, name)


def _parse_json(line: Line, name: str) -> Row | Fault:
    raw = line.text.rstrip("\r\n")
    where = f"{name}:{line.number}"
    if line.error:
        return Fault(line.number, line.error, raw)
    try:
        value = json.loads(raw)
    except json.JSONDecodeError as fault:
        message = f"{where}: not valid JSON ({fault.msg}, column {fault.colno})."
        return Fault(line.number, DataError(message, _JSON_HINT), raw)
    except (ValueError, RecursionError):
        message = f"{where}: not valid JSON (a number is too long or the nesting too deep)."
        return Fault(line.number, DataError(message, _JSON_HINT), raw)
    if not isinstance(value, dict):
        message = f"{where}: found a JSON {_json_kind(value)}, expected an object."
        return Fault(line.number, DataError(message, _JSON_HINT), raw)
    return Row(line.number, value)


def _json_kind(value: object) -> str:
    match value:
        case list():
            return "array"
        case str():
            return "string"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case _:
            return "null"


def read_table(lines: Iterable[Line], name: str, delimiter: str) -> Iterator[Row | Fault]:
    """Read CSV or TSV (RFC 4180 quoting) with a header line.

    Raises:
        DataError: the header is unreadable or names a column twice.
    """
    rows = _read_cells(lines, name, delimiter)
    header: list[str] | None = None
    for row in rows:
        if isinstance(row, Fault):
            if header is None:
                raise row.error
            yield row
        elif header is None:
            header = _check_header(row, name)
        elif len(row.cells) == len(header):
            yield Row(row.place, dict(zip(header, row.cells, strict=True)))
        else:
            found = "1 value" if len(row.cells) == 1 else f"{len(row.cells)} values"
            message = f"{name}:{row.place}: {found}, expected {len(header)} ({', '.join(header)})."
            yield Fault(row.place, DataError(message, _CSV_HINT), row.raw)


@dataclass(frozen=True)
class _Cells:
    place: int
    cells: list[str]
    raw: str


def _read_cells(lines: Iterable[Line], name: str, delimiter: str) -> Iterator[_Cells | Fault]:
    """Yield the cells of each row; the header is one of them, blank lines are not."""
    taken: list[Line] = []

    def feed() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line.text

    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        error: DataError | None = None
        cells: list[str] = []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            error = _table_error(fault, f"{name}:{taken[0].number}", delimiter)
        raw = "".join(line.text for line in taken).rstrip("\r\n")
        error = next((line.error for line in taken if line.error), error)
        if error:
            yield Fault(taken[0].number, error, raw)
        elif cells:
            yield _Cells(taken[0].number, cells, raw)


def _table_error(fault: csv.Error, where: str, delimiter: str) -> DataError:
    if "unexpected end of data" in str(fault):
        return DataError(f"{where}: a quoted value starts here and never ends.", _CSV_HINT)
    if "new-line character" in str(fault):
        return DataError(f"{where}: a lone carriage return ends a line.", r"Save the file with \n or \r\n line ends.")
    kind = "TSV" if delimiter == "\t" else "CSV"
    return DataError(f"{where}: not valid {kind} ({fault}).", _CSV_HINT)


def _check_header(row: _Cells, name: str) -> list[str]:
    twice = [column for i, column in enumerate(row.cells) if column in row.cells[:i]]
    if twice:
        raise DataError(f"{name}:{row.place}: the header names the column '{twice[0]}' twice.", "Rename one of them.")
    return row.cells


def read_text(lines: Iterable[Line]) -> Iterator[Row | Fault]:
    """Read each line as `{"text": line}`; blank lines are passed over."""
    for line in lines:
        text = line.text.rstrip("\r\n")
        if line.error:
            yield Fault(line.number, line.error, text)
        elif text.strip():
            yield Row(line.number, {"text": text})


def read_jsonl_or_text(lines: Iterator[Line], name: str) -> Iterator[Row | Fault]:
    """Read JSON Lines if the first character that is not blank is `{`, else plain text."""
    for line in lines:
        if line.text.strip():
            rest = chain([line], lines)
            yield from read_jsonl(rest, name) if line.text.lstrip().startswith("{") else read_text(rest)


def read_conll(lines: Iterable[Line], name: str) -> Iterator[Row | Fault]:
    """Read a token a line, its tag in the last of the columns, as `{"tokens": [...], "tags": [...]}` a sentence.

    Columns have white space between them. Blank lines end a sentence; lines that begin with `-DOCSTART-` are passed
    over. Where lines hold a token alone, there are no tags. The place of a sentence is its first line.
    """
    taken: list[Line] = []
    for line in chain(lines, [Line(0, "")]):
        if line.text.strip() and not line.text.startswith("-DOCSTART-"):
            taken.append(line)
        elif taken:
            yield _sentence(taken, name)
            taken = []


def _sentence(lines: list[Line], name: str) -> Row | Fault:
    place, raw = lines[0].number, "".join(line.text for line in lines).rstrip("\r\n")
    cells = [line.text.split() for line in lines]
    for line, found in zip(lines, cells, strict=True):
        error = line.error
        if len(found) != len(cells[0]):
            columns = f"{len(found)} column{'' if len(found) == 1 else 's'}"
            message = f"{name}:{line.number}: {columns}, expected {len(cells[0])} as in line {place}."
            error = DataError(message, _CONLL_HINT)
        if error:
            return Fault(place, error, raw)
    values: dict[str, object] = {"tokens": [row[0] for row in cells]}
    return Row(place, values | ({"tags": [row[-1] for row in cells]} if len(cells[0]) > 1 else {}))


def read_parquet(stream: BinaryIO, name: str) -> Iterator[Row | Fault]:
    """Read a Parquet file batch by batch.

    Raises:
        DataError: the file is not Parquet or is damaged.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        place = 0
        for batch in parquet.ParquetFile(stream).iter_batches():
            for values in batch.to_pylist():
                place += 1
                yield Row(place, values)
    except (pyarrow.ArrowException, OSError) as fault:
        reason = str(fault).splitlines()[0].rstrip(".")
        raise DataError(f"{name}: not a readable Parquet file ({reason}).", "Export it again.") from fault
