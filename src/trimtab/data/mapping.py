"""Records to Examples: column mapping, values as text, answers. Knows nothing about file formats or splits."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from trimtab.data.clean import clean_text
from trimtab.data.example import Example
from trimtab.data.records import Record, read_all
from trimtab.errors import TrimtabError, did_you_mean
from trimtab.spec import DataSettings

_SURROGATES = re.compile("[\ud800-\udfff]")
_LARGEST_EXACT_FLOAT = 2**53
_UNLABELLED_HINT = "Label the row or leave it out; `trimtab predict` takes rows without labels."


def to_example(record: Record, fields: Sequence[str], settings: DataSettings, *, need_answer: bool) -> Example:
    """Map the columns of `record` to template fields, as clean text.

    Numbers become text (`5` and `5.0` -> "5"), booleans "true" and "false". Half of a surrogate pair, which no
    encoding can write, becomes U+FFFD. An answer that is absent, null or blank is None.

    Raises:
        TrimtabError: a column is missing, null or holds a list or an object; no answer where one is needed.
    """
    texts = {}
    for field in fields:
        column = settings.columns.get(field, field)
        if column not in record.values:
            raise _no_column(record, column, f"the field '{field}'", f"Set data.columns.{field} to one of them.")
        text = _as_text(record, column)
        if text is None:
            hint = "Fill it in, leave the row out, or write an empty string."
            raise TrimtabError(f"{record.where}: column '{column}' is null, expected text or a number.", hint)
        texts[field] = _SURROGATES.sub("\ufffd", clean_text(text, settings.clean))
    answer = _answer(record, settings.label)
    if answer is None and need_answer:
        if settings.label not in record.values:
            raise _no_column(record, settings.label, "the answer", "Set data.label to one of them.")
        raise TrimtabError(f"{record.where}: no label in column '{settings.label}'.", _UNLABELLED_HINT)
    return Example(texts, answer, record.where)


def read_examples(
    source: str, fields: Sequence[str], settings: DataSettings, *, base: Path, need_answer: bool = True
) -> list[Example]:
    """Read a whole split.

    Raises:
        TrimtabError: `source` cannot be read, has no rows, lacks a column, or has rows without a label where
            `need_answer` (the message counts them and names the first).
    """
    _check_mapping(settings.columns, fields)
    records = read_all(source, base=base, format=settings.format, encoding=settings.encoding)
    examples = [to_example(record, fields, settings, need_answer=False) for record in records]
    bare = [record for record, example in zip(records, examples, strict=True) if example.answer is None]
    if need_answer and bare:
        raise _unlabelled(bare, len(records), settings.label)
    return examples


def check_labels(examples: Sequence[Example], known: Sequence[str]) -> None:
    """Check that every answer is one of the labels `known`.

    Raises:
        TrimtabError: at the first that is not, naming the nearest known label. The message lists eight labels at most.
    """
    allowed = set(known)
    for example in examples:
        if example.answer is None or example.answer in allowed:
            continue
        listed = ", ".join(known) if len(known) <= 8 else f"{', '.join(known[:8])}, ... ({len(known)} in all)"
        hint = did_you_mean(example.answer, known) or "Correct the row, or add the label to `labels`."
        raise TrimtabError(f"{example.where}: label '{example.answer}' is not one of {listed}.", hint)


def _as_text(record: Record, column: str) -> str | None:
    match record.values[column]:
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
            raise TrimtabError(message, "Name another column, or turn this one into text.")
        case value:
            return str(value)


def _answer(record: Record, column: str) -> str | None:
    text = _as_text(record, column) if column in record.values else None
    return _SURROGATES.sub("\ufffd", text) if text and text.strip() else None


def _no_column(record: Record, column: str, use: str, otherwise: str) -> TrimtabError:
    columns = list(record.values)
    message = f"{record.where}: no column '{column}' for {use}; the columns are {', '.join(columns) or 'none'}."
    return TrimtabError(message, did_you_mean(column, columns) or otherwise)


def _unlabelled(bare: Sequence[Record], rows: int, label: str) -> TrimtabError:
    if len(bare) == rows and all(label not in record.values for record in bare):
        return _no_column(bare[0], label, "the answer", "Set data.label to one of them.")
    count = f"{len(bare)} of {rows} rows {'has' if len(bare) == 1 else 'have'} none"
    return TrimtabError(f"{bare[0].where}: no label in column '{label}' ({count}).", _UNLABELLED_HINT)


def _check_mapping(columns: Mapping[str, str], fields: Sequence[str]) -> None:
    for field in columns:
        if field not in fields:
            message = f"data.columns: no field '{field}' in the template; its fields are {', '.join(fields) or 'none'}."
            raise TrimtabError(message, did_you_mean(field, fields) or "Take the entry out.")
