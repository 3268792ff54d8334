"""A record's values as text or lists. Knows nothing about fields, answers or file formats."""

from __future__ import annotations

import json
import math
import re

from trimtab.data.records import Record
from trimtab.errors import DataError, did_you_mean

_SURROGATES = re.compile("[\ud800-\udfff]")
_LARGEST_EXACT_FLOAT = 2**53


def whole(text: str) -> str:
    """`text` with each half of a surrogate pair, which no encoding can write, as U+FFFD."""
    return _SURROGATES.sub("\ufffd", text)


def listed(value: object) -> list[object] | None:
    """A list, or a JSON list in a text; None for anything else."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, list) else None


def as_text(record: Record, column: str) -> str | None:
    """A value as text (`5` and `5.0` -> "5", true -> "true"); None for null and NaN.

    Raises:
        DataError: it is a list, an object or bytes.
    """
    match record.get(column):
        case None:
            return None
        case str() as text:
            return text
        case bool() as flag:
            return "true" if flag else "false"
        case float() as number if math.isnan(number):
            return None
        case float() as number if number.is_integer() and abs(number) <= _LARGEST_EXACT_FLOAT:
            return str(int(number))
        case (list() | dict() | bytes()) as value:
            kind = {list: "a list", dict: "an object", bytes: "bytes"}[type(value)]
            message = f"{record.where}: column '{column}' holds {kind}, expected text or a number."
            raise DataError(message, "Name another column, or turn this one into text.")
        case value:
            return str(value)


def no_column(record: Record, column: str, use: str, otherwise: str) -> DataError:
    """What to raise where a record lacks a column: `use` says for what, `otherwise` what to do."""
    columns = record.columns
    message = f"{record.where}: no column '{column}' for {use}; the columns are {', '.join(columns) or 'none'}."
    return DataError(message, did_you_mean(column, columns) or otherwise)
