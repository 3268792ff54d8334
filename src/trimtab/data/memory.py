"""Rows that are in memory: dictionaries, a pandas or polars table, a `datasets` table. Knows nothing about files.

None of these libraries is imported: a table is told by what it can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trimtab.data.class_names import namer
from trimtab.data.formats.row import Fault, Row
from trimtab.errors import DataError

# Rows by what they are in: a list of dictionaries, or a table of pandas, polars, pyarrow or `datasets`.
RowsInMemory = Any

_HINT = "Give a list of dictionaries, or a table of pandas, polars, pyarrow or datasets."


def read_memory(given: RowsInMemory, name: str) -> Iterator[Row | Fault]:
    """Read rows as a file of them would be read: missing values as None, classes by name, numbers and lists as such.

    Args:
        given: the rows.
        name: what they are called in messages; a row's place is its number, counted from 1.

    Raises:
        DataError: at the call, it is nothing that holds rows, or a table in which two columns have one name.
    """
    return _rows(_dictionaries(given, name), name)


def _dictionaries(given: RowsInMemory, name: str) -> Iterable[object]:
    if hasattr(given, "to_pylist"):  # pyarrow
        return given.to_pylist()  # type: ignore[no-any-return]  # of a library that may not be there
    if isinstance(given, str | bytes | Mapping) or not hasattr(given, "__iter__"):
        what = f"{name}: found {_article(given)}, expected rows."
        if isinstance(given, Mapping) and given and all(hasattr(value, "features") for value in given.values()):
            raise DataError(f"{name}: found several splits ({', '.join(given)}), expected one.", "Give one of them.")
        raise DataError(what, f"The names of files go into data.{name}. {_HINT}" if isinstance(given, str) else _HINT)
    if hasattr(given, "to_dicts"):  # polars
        return given.to_dicts()  # type: ignore[no-any-return]
    if hasattr(given, "to_dict") and hasattr(given, "columns"):  # pandas
        columns = [str(column) for column in given.columns]
        twice = next((column for i, column in enumerate(columns) if column in columns[:i]), None)
        if twice is not None:
            raise DataError(f"{name}: two columns are called '{twice}'.", "Rename one of them.")
        return given.to_dict("records")  # type: ignore[no-any-return]
    if hasattr(given, "features"):  # datasets
        named = namer(given.features)
        return (named(row) for row in given)
    return given  # type: ignore[no-any-return]


def _rows(found: Iterable[object], name: str) -> Iterator[Row | Fault]:
    for place, row in enumerate(found, 1):
        if isinstance(row, Mapping):
            yield Row(place, {str(column): _plain(value) for column, value in row.items()})
        else:
            error = DataError(f"{name}:{place}: found {_article(row)}, expected a dictionary of columns.", _HINT)
            yield Fault(place, error, str(row))


def _plain(value: Any) -> object:
    """A value as JSON or Parquet would hold it."""
    match value:
        case None | str() | bool() | int() | float() | bytes():
            return value
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "tolist"):  # numpy
        return _plain(value.tolist())
    return value


def _article(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeio' else 'a'} {kind}"
