"""Rows of a `datasets` hub name. Knows nothing about files."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.data.formats import Row
from trimtab.errors import DataError, need_library


def read_hub(source: str) -> Iterator[Row]:
    """Read `hub:NAME[:SPLIT]` (split `train` by default); class labels come by name, missing ones as None.

    Raises:
        MissingExtraError: at the call, the `datasets` library is not installed.
        DataError: later, it cannot load the name.
    """
    need_library("datasets", source, title="datasets", extra="hub")
    return _rows(source)


def _rows(source: str) -> Iterator[Row]:
    import datasets

    name, _, split = source.removeprefix("hub:").partition(":")
    try:
        rows = datasets.load_dataset(name, split=split or "train")
    except Exception as fault:  # the library raises many types of its own and of its file systems
        reason = str(fault).split("\n", 1)[0].rstrip(".") or type(fault).__name__
        hint = "Check the name, the split and the connection, or download the data and give a file."
        raise DataError(f"{source}: `datasets` cannot load it ({reason}).", hint) from fault
    names = {column: kind.names for column, kind in rows.features.items() if hasattr(kind, "names")}
    for place, values in enumerate(rows, start=1):
        yield Row(place, {column: _by_name(value, names.get(column)) for column, value in values.items()})


def _by_name(value: object, names: list[str] | None) -> object:
    if names is None or not isinstance(value, int):
        return value
    return names[value] if value >= 0 else None
