"""Parquet files. Knows nothing about other formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from trimtab.data.formats.row import Fault, Row
from trimtab.errors import DataError

if TYPE_CHECKING:
    from pyarrow import RecordBatch

# What pyarrow raises of a value that Python cannot hold: a date before the year 1 or behind 9999, a text that is no
# UTF-8, an unknown time zone. Its own ArrowInvalid and ArrowKeyError are among them.
_NO_VALUE = (ValueError, LookupError, OverflowError, TypeError)


def read_parquet(stream: BinaryIO, name: str) -> Iterator[Row | Fault]:
    """Read a Parquet file batch by batch; a row that holds a value which Python cannot is a fault by itself.

    Raises:
        DataError: the file is not Parquet or is damaged.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        before = 0
        for batch in parquet.ParquetFile(stream).iter_batches():
            yield from _rows(batch, before, name)
            before += batch.num_rows
    except (pyarrow.ArrowException, OSError, *_NO_VALUE) as fault:
        reason = (str(fault).splitlines() or [type(fault).__name__])[0].rstrip(".")
        raise DataError(f"{name}: not a readable Parquet file ({reason}).", "Export it again.") from fault


def _rows(batch: RecordBatch, before: int, name: str) -> Iterator[Row | Fault]:
    """The rows of a batch, `before` others come before it."""
    try:
        whole = batch.to_pylist()
    except _NO_VALUE:
        yield from (_row(batch, i, before + i + 1, name) for i in range(batch.num_rows))
        return
    yield from (Row(place, values) for place, values in enumerate(whole, before + 1))


def _row(batch: RecordBatch, i: int, place: int, name: str) -> Row | Fault:
    """Row `i` of a batch, column by column."""
    values: dict[str, object] = {}
    for column, own in zip(batch.schema.names, batch.columns, strict=True):
        try:
            values[column] = own[i].as_py()
        except _NO_VALUE as fault:
            reason = " ".join(str(fault).split()).rstrip(".")
            message = f"{name}:{place}: column '{column}' holds a value that cannot be read ({reason})."
            return Fault(place, DataError(message, "Write it as text, or leave the row out."), "")
    return Row(place, values)
