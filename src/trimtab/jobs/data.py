"""`trimtab data`: look through the examples before tuning. Knows nothing about how the report is shown.

A tokenizer is opened once the rows have been read, so that a mistake in them is told at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.data import MESSAGES, DataReport, Example, Record, check, to_example
from trimtab.data.mapping import check_mapping
from trimtab.data.records import read_all, source_name
from trimtab.errors import DataError
from trimtab.kinds.choose import kind_of
from trimtab.kinds.kind import Kind
from trimtab.settings.answers import LABEL, AnswerSettings, TextAnswer
from trimtab.settings.task import DataSettings

if TYPE_CHECKING:
    from trimtab.backbones.open import Progress


def run(
    source: str,
    *,
    settings: DataSettings,
    fields: Sequence[str],
    answer: AnswerSettings = LABEL,
    base: Path,
    others: Mapping[str, str],
    backbone: str | None = None,
    tokens: bool | None = None,
    offline: bool = False,
    counter: tuple[Callable[[str], int], int] | None = None,
    progress: Progress | None = None,
) -> DataReport:
    """Report rows, label balance, lengths, duplicates, shared texts, blank fields and likely encoding damage.

    Rows without a label and null values are reported, not refused; but a column that is asked for and missing is.

    Args:
        source: file (or other source) of training examples.
        settings: how it is read; its own train, dev and test are not looked at.
        fields: fields of the template. Where empty, the dialogue that a record is, or every column of text, numbers
            or booleans but the label column.
        answer: what kind of answer the rows have.
        base: folder at which relative paths start.
        others: split name -> source of the other splits.
        backbone: whose tokens lengths are measured in; None for characters alone.
        tokens: whether lengths are measured in tokens; None where the backbone is cached.
        offline: see `trimtab.sources.find_model`.
        counter: text -> number of tokens, and the backbone's context in tokens, where the caller has them.
        progress: told what is being done.

    Raises:
        TrimtabError: a source cannot be read or has no rows; a field names no column, or a task or `settings.label` one
            of answers that is not there; tokens are wanted, and the backbone cannot be found.
    """
    splits, kind, notes = _read(source, settings=settings, fields=fields, answer=answer, base=base, others=others)
    count, context = counter or (None, None)
    if counter is None and backbone is not None and tokens is not False:
        from trimtab.backbones.open import counter_for

        count, context = counter_for(backbone, tokens, offline=offline, progress=progress)
    return replace(check(splits, kind, count_tokens=count, context=context), notes=notes)


def _read(
    source: str, *, settings: DataSettings, fields: Sequence[str], answer: AnswerSettings, base: Path,
    others: Mapping[str, str],
) -> tuple[dict[str, list[Example]], Kind[Any], list[str]]:  # fmt: skip
    """The examples of each split, the kind of answer that they have, and notes on what is not read; see `run`."""
    asked = bool(fields) or settings.label != DataSettings().label
    if fields:
        check_mapping(settings.columns, fields)
    notes: list[str] = []
    names = {"train" if others else source_name(source): source, **others}
    splits: dict[str, list[Example]] = {}
    for name, split_source in names.items():
        records = read_all(split_source, base=base, format=settings.format, encoding=settings.encoding)
        if not fields and answer == LABEL and {MESSAGES, "conversations"} & set(records[0].values):
            fields, answer = (MESSAGES,), TextAnswer()
        fields = fields or _text_columns(records, settings.label)
        if not fields:
            message = f"{records[0].where}: no column of text besides the label '{settings.label}'."
            raise DataError(message, f"The columns are {', '.join(records[0].values)}.")
        rows = _blank_for_null(records, [settings.columns.get(field, field) for field in fields])
        kind = kind_of(answer)
        splits[name] = [to_example(row, fields, settings, kind, need_answer=False) for row in rows]
        known = (example.answer is not None for example in splits[name])
        if asked and not any(known) and not any(record.has(settings.label) for record in records):
            raise kind.unanswered(records, len(records), fields, settings)
        notes += [f"{name}: {found}" for found in kind.unread(records, fields, settings)]
    return splits, kind_of(answer), notes


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
    known = {column for column in columns if any(record.has(column) for record in records)}
    for record in records:
        blanks = {column: "" for column in known if _is_null(record.get(column))}
        yield replace(record, values={**record.values, **blanks})


def _is_null(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
