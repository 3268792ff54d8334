"""CSV and TSV, with a header line. Knows nothing about other formats.

A CSV file whose header has no comma is cut at what parts values there: semicolons, as spreadsheets write them where the
comma is a decimal point, tabs or bars.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from trimtab.data.formats.row import Fault, Row
from trimtab.data.formats.tsv import tab_separated
from trimtab.data.lines import Line
from trimtab.errors import DataError

# The largest value that the csv module takes on every platform (a C long has 32 bits on Windows).
csv.field_size_limit(2**31 - 1)

# What parts the values of CSV files where no comma does.
OTHER_SEPARATORS = (";", "\t", "|")

_CSV_HINT = "Put a value that holds quotes, separators or line ends in double quotes, and double the quotes inside it."
_TSV_HINT = "Put a value that holds tabs or line ends in double quotes, and double the quotes inside it."


def read_table(lines: Iterable[Line], name: str, delimiter: str) -> Iterator[Row | Fault]:
    """Read CSV (RFC 4180) or TSV (see `trimtab.data.formats.tsv`) with a header line.

    Raises:
        DataError: the header is unreadable or names a column twice.
    """
    if delimiter == ",":
        lines, delimiter = _with_separator(iter(lines))
    rows = _read_tabs(lines) if delimiter == "\t" else _read_cells(lines, name, delimiter)
    hint = _TSV_HINT if delimiter == "\t" else _CSV_HINT
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
            yield Fault(row.place, DataError(message, hint), row.raw)


def _with_separator(lines: Iterator[Line]) -> tuple[Iterator[Line], str]:
    """The lines again, and what parts the values of the first that is not blank."""
    before: list[Line] = []
    for line in lines:
        before.append(line)
        if line.text.strip():
            break
    header = before[-1].text if before else ""
    separator = "," if "," in header else next((other for other in OTHER_SEPARATORS if other in header), ",")
    return chain(before, lines), separator


@dataclass(frozen=True)
class _Cells:
    place: int
    cells: list[str]
    raw: str


def _read_tabs(lines: Iterable[Line]) -> Iterator[_Cells | Fault]:
    """Yield the cells of each row of a TSV file; the header is one of them."""
    for taken, cells in tab_separated(iter(lines)):
        raw = "".join(line.text for line in taken).rstrip("\r\n")
        error = next((line.error for line in taken if line.error), None)
        yield Fault(taken[0].number, error, raw) if error else _Cells(taken[0].number, cells, raw)


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
            error = _table_error(fault, f"{name}:{taken[0].number}")
        raw = "".join(line.text for line in taken).rstrip("\r\n")
        error = next((line.error for line in taken if line.error), error)
        if error:
            yield Fault(taken[0].number, error, raw)
        elif cells:
            yield _Cells(taken[0].number, cells, raw)


def _table_error(fault: csv.Error, where: str) -> DataError:
    if "unexpected end of data" in str(fault):
        return DataError(f"{where}: a quoted value starts here and never ends.", _CSV_HINT)
    if "new-line character" in str(fault):
        return DataError(f"{where}: a lone carriage return ends a line.", r"Save the file with \n or \r\n line ends.")
    return DataError(f"{where}: not valid CSV ({fault}).", _CSV_HINT)


def _check_header(row: _Cells, name: str) -> list[str]:
    twice = [column for i, column in enumerate(row.cells) if column in row.cells[:i]]
    if twice:
        raise DataError(f"{name}:{row.place}: the header names the column '{twice[0]}' twice.", "Rename one of them.")
    return row.cells
