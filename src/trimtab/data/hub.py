"""Rows of a `datasets` hub name. Knows nothing about files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trimtab.data.class_names import namer
from trimtab.data.formats.row import Row
from trimtab.errors import DataError, need_library

# Between the parts of a name; not within a slice, `train[:100]`.
_COLON = re.compile(r":(?![^\[]*\])")


def read_hub(source: str) -> Iterator[Row]:
    """Read `hub:NAME`, `hub:NAME:SPLIT` or `hub:NAME:CONFIGURATION:SPLIT`; the split is `train` by default.

    Class labels come by name, missing ones as None.

    Raises:
        MissingExtraError: at the call, the `datasets` library is not installed.
        DataError: at the call, a name of more parts; later, the library cannot load it.
    """
    name, *further = _COLON.split(source.removeprefix("hub:"))
    if len(further) > 2 or not name:
        hint = "Write hub:NAME, hub:NAME:SPLIT or hub:NAME:CONFIGURATION:SPLIT."
        raise DataError(f"{source}: not a name on the hub.", hint)
    need_library("datasets", source, title="datasets", extra="hub")
    configuration, split = further if len(further) == 2 else (None, "".join(further))
    return _rows(source, name, configuration or None, split or "train")


def _rows(source: str, name: str, configuration: str | None, split: str) -> Iterator[Row]:
    import datasets

    try:
        rows = datasets.load_dataset(name, *([configuration] if configuration else []), split=split)
    except Exception as fault:  # the library raises many types of its own and of its file systems
        reason = str(fault).split("\n", 1)[0].rstrip(".") or type(fault).__name__
        hint = "Check the name, the split and the connection, or download the data and give a file."
        if not configuration and "config" in str(fault).lower():
            hint = "Name one of its configurations: hub:NAME:CONFIGURATION:SPLIT."
        raise DataError(f"{source}: `datasets` cannot load it ({reason}).", hint) from fault
    named = namer(rows.features)
    for place, values in enumerate(rows, start=1):
        yield Row(place, named(values))
