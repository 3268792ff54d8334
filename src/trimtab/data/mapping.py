"""Records to examples: column mapping, values as text. Knows nothing about file formats, splits or kinds of answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from trimtab.data.example import Example
from trimtab.data.records import InMemory, Record, Source, read_all
from trimtab.data.text.clean import clean_text
from trimtab.data.values import as_text, no_column, whole
from trimtab.errors import DataError, TaskError, TrimtabError, did_you_mean
from trimtab.settings.task import DataSettings

_UNLABELLED_HINT = "Label the row or leave it out; `trimtab predict` takes rows without labels."


class RowReader(Protocol):
    """How the rows of one kind of answer are read and put together; `trimtab.kinds` has one a kind."""

    def read(self, record: Record, fields: Sequence[str], settings: DataSettings, *, answered: bool) -> Example:
        """The record as an example, its answer None where that is absent, null, blank or (`answered`) not looked at.

        Raises:
            DataError: a column is missing, null or holds a list or an object; options, tokens or an answer that will
                not do.
        """
        ...

    def unread(self, records: Sequence[Record], fields: Sequence[str], settings: DataSettings) -> list[str]:
        """What of records is not read though their form gives it a place."""
        ...

    def unanswered(
        self, bare: Sequence[Record], rows: int | None, fields: Sequence[str], settings: DataSettings
    ) -> TrimtabError:
        """What is said where answers are needed and these records, of `rows` in all (None: a row alone), have none."""
        ...

    def check_train(self, train: Sequence[Example], settings: DataSettings) -> None:
        """Raise DataError where nothing can be learnt from the rows, as all answers are the same."""
        ...

    def lookalikes(self, train: Sequence[Example]) -> list[str]:
        """A warning where names of answers look like one name written in two ways."""
        ...

    def merged(self, examples: list[Example]) -> list[Example]:
        """Rows to choose or report on, those that are one question with several right answers put together."""
        ...

    @property
    def counted_by_label(self) -> bool:
        """Whether rows can be counted a label (`data.shots`)."""
        ...

    @property
    def plural(self) -> str:
        """What several answers are called in a sentence."""
        ...


def to_example(
    record: Record,
    fields: Sequence[str],
    settings: DataSettings,
    reader: RowReader,
    *,
    need_answer: bool,
    read_answer: bool = True,
) -> Example:
    """Map the columns of `record` to template fields, as clean text.

    Numbers become text (`5` and `5.0` -> "5"), booleans "true" and "false". Half of a surrogate pair, which no
    encoding can write, becomes U+FFFD. An answer that is absent, null or blank is None. A field whose column holds the
    list of options becomes a text that shows them, `A. ...` a line; one whose column holds the tokens that are tagged,
    the tokens as one text. Where the one field is `messages`, the record is a dialogue: its last assistant turn is the
    answer, and what comes before it the field.

    Args:
        record, fields, settings: what is mapped, and how.
        reader: reads rows of the kind of answer that there is.
        need_answer: whether a row without an answer is an error.
        read_answer: whether the answer is looked at.

    Raises:
        DataError: a column is missing, null or holds a list or an object; no answer where one is needed; options or
            an answer that will not do.
    """
    example = reader.read(record, fields, settings, answered=read_answer)
    if example.answer is None and need_answer:
        raise reader.unanswered([record], None, fields, settings)
    return replace(example, slices=_slices_of(record, settings)) if settings.slices and read_answer else example


def field_text(record: Record, field: str, settings: DataSettings) -> str:
    """What the template shows of a field: its column's value as clean text.

    Raises:
        DataError: the column is missing, null, or holds a list or an object.
    """
    column = settings.columns.get(field, field)
    if not record.has(column):
        raise no_column(record, column, f"the field '{field}'", f"Set data.columns.{field} to one of them.")
    text = as_text(record, column)
    if text is None:
        hint = "Fill it in, leave the row out, or write an empty string."
        raise DataError(f"{record.where}: column '{column}' is null, expected text or a number.", hint)
    return whole(clean_text(text, settings.clean))


def group_of(record: Record, settings: DataSettings) -> str:
    """What the record shares with others; "" where its column is not there, as in rows to be answered."""
    if settings.group is None or not record.has(settings.group):
        return ""
    return as_text(record, settings.group) or ""


def _slices_of(record: Record, settings: DataSettings) -> dict[str, str]:
    """The values of the columns that scores are told apart by; a column that the record lacks counts as empty.

    Raises:
        DataError: a column holds a list or an object.
    """
    return {column: whole(as_text(record, column) or "").strip() for column in settings.slices}


def unlabelled(bare: Sequence[Record], rows: int | None, label: str) -> DataError:
    """What is said where the records `bare` of `rows` have no answer in the column `label` (see `RowReader`)."""
    if (rows is None or len(bare) == rows) and all(not record.has(label) for record in bare):
        return no_column(bare[0], label, "the answer", "Set data.label to one of them.")
    count = "" if rows is None else f" ({counted(len(bare), rows)})"
    return DataError(f"{bare[0].where}: no label in column '{label}'{count}.", _UNLABELLED_HINT)


def counted(bare: int, rows: int) -> str:
    """How many rows of how many have no answer."""
    return f"{bare} of {rows} rows {'has' if bare == 1 else 'have'} none"


def read_examples(
    source: Source | InMemory,
    fields: Sequence[str],
    settings: DataSettings,
    reader: RowReader,
    *,
    base: Path,
    need_answer: bool = True,
    need_slices: bool = False,
    notes: list[str] | None = None,
) -> list[Example]:
    """Read a whole split; what of the records is not read is added to `notes`.

    Raises:
        TaskError: a column is mapped to a field that the template lacks.
        DataError: `source` cannot be read, has no rows, lacks a column, or has rows without a label where
            `need_answer` (the message counts them and names the first); no row has one of the columns that scores are
            told apart by, where `need_slices`.
    """
    check_mapping(settings.columns, fields)
    records = read_all(source, base=base, format=settings.format, encoding=settings.encoding)
    for column in settings.slices if need_slices else ():
        if not any(record.has(column) for record in records):
            raise no_column(records[0], column, "telling scores apart", "Name one of them, or leave data.slices out.")
    examples = [to_example(record, fields, settings, reader, need_answer=False) for record in records]
    bare = [record for record, example in zip(records, examples, strict=True) if example.answer is None]
    if need_answer and bare:
        raise reader.unanswered(bare, len(records), fields, settings)
    if notes is not None:
        notes += reader.unread(records, fields, settings)
    return examples


def check_mapping(columns: Mapping[str, str], fields: Sequence[str]) -> None:
    """Raise TaskError where a column is mapped to a field that the template lacks."""
    for field in columns:
        if field not in fields:
            message = f"data.columns: no field '{field}' in the template; its fields are {', '.join(fields) or 'none'}."
            raise TaskError(message, did_you_mean(field, fields) or "Take the entry out.")
