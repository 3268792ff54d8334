"""`trimtab data`: look through the examples before tuning. Knows nothing about models or how the report is shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from trimtab.data import MESSAGES, DataReport, Example, Record, check, to_example
from trimtab.data.records import read_all, source_name
from trimtab.errors import TrimtabError
from trimtab.settings.answers import LABEL, AnswerSettings, TagsAnswer, TextAnswer
from trimtab.settings.task import DataSettings


def run(
    source: str,
    *,
    settings: DataSettings,
    fields: Sequence[str],
    answer: AnswerSettings = LABEL,
    base: Path,
    others: Mapping[str, str],
    count_tokens: Callable[[str], int] | None = None,
    context: int | None = None,
) -> DataReport:
    """Report rows, label balance, lengths, duplicates, shared texts, blank fields and likely encoding damage.

    Rows without a label and null values are reported, not refused.

    Args:
        source: file (or other source) of training examples.
        settings: how it is read; its own train, dev and test are not looked at.
        fields: fields of the template. Where empty, the dialogue that a record is, or every column of text, numbers
            or booleans but the label column.
        answer: what kind of answer the rows have.
        base: folder at which relative paths start.
        others: split name -> source of the other splits.
        count_tokens: text -> number of tokens.
        context: longest row in tokens that the backbone reads.

    Raises:
        TrimtabError: a source cannot be read or has no rows; a field names no column.
    """
    names = {"train" if others else source_name(source): source, **others}
    splits: dict[str, list[Example]] = {}
    for name, split_source in names.items():
        records = read_all(split_source, base=base, format=settings.format, encoding=settings.encoding)
        if not fields and answer == LABEL and {MESSAGES, "conversations"} & set(records[0].values):
            fields, answer = (MESSAGES,), TextAnswer()
        fields = fields or _text_columns(records, settings.label)
        if not fields:
            message = f"{records[0].where}: no column of text besides the label '{settings.label}'."
            raise TrimtabError(message, f"The columns are {', '.join(records[0].values)}.")
        rows = _blank_for_null(records, [settings.columns.get(field, field) for field in fields])
        splits[name] = [to_example(row, fields, settings, answer, need_answer=False) for row in rows]
    plain = isinstance(answer, TagsAnswer) and answer.scheme == "plain"
    return check(splits, count_tokens=count_tokens, context=context, plain=plain)


def _text_columns(records: Sequence[Record], label: str) -> list[str]:
    """Return the columns of any row, in order of appearance, that hold no list or object anywhere."""
    columns = {column: True for record in records for column in record.values if column != label}
    for record in records:
        for column, value in record.values.items():
            if isinstance(value, list | dict | bytes):
                columns[column] = False
    return [column for column, textual in columns.items() if textual]


def _blank_for_null(records: Sequence[Record], columns: Sequence[str]) -> Iterator[Record]:
    """Yield the records with "" for what is null or absent in `columns`, except in columns that no row has."""
    known = {column for record in records for column in record.values}
    for record in records:
        blanks = {column: "" for column in columns if column in known and _is_null(record.values.get(column))}
        yield replace(record, values={**record.values, **blanks})


def _is_null(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
