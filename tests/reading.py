"""What a source of examples gives, and what an error says of it. Not a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.data import read_records
from trimtab.errors import DataError


def values(source: str, base: Path, **options: object) -> list[dict[str, object]]:
    """The values of the records of a source."""
    return [record.values for record in read_records(source, base=base, **options)]  # type: ignore[union-attr, arg-type]


def error(source: str, base: Path, **options: object) -> str:
    """The message of the error that reading a source ends with."""
    with pytest.raises(DataError) as caught:
        list(read_records(source, base=base, **options))  # type: ignore[arg-type]
    return str(caught.value)
