"""Parquet files. Knows nothing about other formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from trimtab.data.formats.row import Row
from trimtab.errors import DataError


def read_parquet(stream: BinaryIO, name: str) -> Iterator[Row]:
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
