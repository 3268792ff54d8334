"""What every format is read as. Knows nothing about formats."""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.errors import DataError


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
