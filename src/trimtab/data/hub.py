"""Rows of a `datasets` hub name. Knows nothing about files."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.data.formats import Row
from trimtab.errors import TrimtabError


def read_hub(source: str) -> Iterator[Row]:
    """Read `hub:NAME[:SPLIT]` (split `train` by default); class labels come by name, missing ones as None.

    Raises:
        TrimtabError: the `datasets` library is missing, or it cannot load the name.
    """
    name, _, split = source.removeprefix("hub:").partition(":")
    try:
        import datasets
    except ImportError as fault:
        message = f"{source}: hub names need the `datasets` library, which is not installed."
        raise TrimtabError(message, "Install it with: pip install 'trimtab[hub]'.") from fault
    try:
        rows = datasets.load_dataset(name, split=split or "train")
    except Exception as fault:  # the library raises many types of its own and of its file systems
        reason = str(fault).split("\n", 1)[0].rstrip(".") or type(fault).__name__
        hint = "Check the name, the split and the connection, or download the data and give a file."
        raise TrimtabError(f"{source}: `datasets` cannot load it ({reason}).", hint) from fault
    names = {column: kind.names for column, kind in rows.features.items() if hasattr(kind, "names")}
    for place, values in enumerate(rows, start=1):
        yield Row(place, {column: _by_name(value, names.get(column)) for column, value in values.items()})


def _by_name(value: object, names: list[str] | None) -> object:
    if names is None or not isinstance(value, int):
        return value
    return names[value] if value >= 0 else None
