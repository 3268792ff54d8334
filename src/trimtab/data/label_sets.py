"""A record's labels, of which it may have several or none. Knows nothing about input fields or what labels are for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trimtab.data.example import MultiLabelExample
from trimtab.data.records import Record
from trimtab.data.values import as_text, listed, no_column, whole
from trimtab.errors import DataError, did_you_mean
from trimtab.settings.answers import MultiLabelAnswer

# What labels of a text are parted by where no setting says so: the first of these that it has.
SEPARATORS = ("|", ";", ",")
# What is shown where a row has no label.
NONE = "none"
_YES, _NO = ("1", "true"), ("0", "false")


class LabelSet(NamedTuple):
    """The labels of a record, once each, in its order; and what stood between them, "" where nothing did."""

    labels: tuple[str, ...]
    separator: str = ""


def read_label_set(record: Record, column: str, answer: MultiLabelAnswer) -> LabelSet | None:
    """The labels of a record; None where they are absent, null or blank.

    Raises:
        DataError: a label that is blank, or no text or number; of columns one that is missing, null, or not 0 or 1.
    """
    if answer.columns is not None:
        return _of_columns(record, answer.columns)
    value = record.get(column)
    items = listed(value)
    if items is None:
        text = (whole(as_text(record, column) or "")).strip()
        if not text:
            return None
        separator = answer.separator or next((one for one in SEPARATORS if one in text), "")
        parts = text.split(separator) if separator and separator in text else [text]
        return LabelSet(_once(parts, record, column), separator if len(parts) > 1 else "")
    return LabelSet(_once([as_text(Record({column: item}, record.where), column) for item in items], record, column))


def _once(texts: Iterable[str | None], record: Record, column: str) -> tuple[str, ...]:
    labels = [whole(text or "").strip() for text in texts]
    for i, label in enumerate(labels, 1):
        if not label:
            message = f"{record.where}: label {i} of {len(labels)} in column '{column}' is empty."
            raise DataError(message, "Take it out, or write it; [] says that no label fits.")
    return tuple(dict.fromkeys(labels))


def _of_columns(record: Record, columns: Sequence[str]) -> LabelSet | None:
    """The labels whose columns hold 1."""
    there = [column for column in columns if record.has(column)]
    if not there:
        return None
    labels = []
    for column in columns:
        if not record.has(column):
            raise no_column(record, column, "a label", "Set answer.columns to columns that are there.")
        text = as_text(record, column)
        if text is None:
            raise DataError(f"{record.where}: column '{column}' is null, expected 0 or 1.", "Fill it in.")
        if text.strip().lower() not in _YES + _NO:
            message = f"{record.where}: column '{column}' holds '{text}', expected 0 or 1."
            raise DataError(message, "Correct the row, or leave the column out of answer.columns.")
        if text.strip().lower() in _YES:
            labels.append(column)
    return LabelSet(tuple(labels))


def canonical(labels: Iterable[str]) -> str:
    """A set of labels as one text, the same in whatever order they stand: a JSON list."""
    return json.dumps(sorted(labels), ensure_ascii=False)


def shown(labels: Sequence[str]) -> str:
    """Labels as a text to read."""
    return ", ".join(labels) or NONE


def check_label_sets(examples: Sequence[MultiLabelExample], known: Sequence[str]) -> None:
    """Check that all labels are among `known`.

    Raises:
        DataError: at the first that is not, naming the nearest known label. The message lists eight labels at most.
    """
    allowed = set(known)
    for example in examples:
        for label in example.labels or ():
            if label not in allowed:
                named = ", ".join(known) if len(known) <= 8 else f"{', '.join(known[:8])}, ... ({len(known)} in all)"
                hint = did_you_mean(label, known) or "Correct the row, or add the label to `labels`."
                raise DataError(f"{example.where}: label '{label}' is not one of {named}.", hint)


def check_separators(examples: Sequence[MultiLabelExample]) -> None:
    """Check that labels of texts are all parted by the same. Raises DataError where two rows differ."""
    first = next((example for example in examples if example.separator), None)
    for example in examples:
        if first and example.separator not in ("", first.separator):
            raise DataError(
                f"{example.where}: labels are parted by '{example.separator}', and by '{first.separator}' in "
                f"{first.where}.",
                "Set answer.separator to what parts them; the other is then part of a label.",
            )
