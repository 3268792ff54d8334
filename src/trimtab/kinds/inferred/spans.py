"""Whether answers stand in a text of their records, told from columns. Knows nothing about task files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trimtab.data.column import Column
from trimtab.data.records import Record
from trimtab.data.spans.answers import ANSWER, ANSWERS_COLUMN, IMPOSSIBLE, read_spans
from trimtab.data.values import as_text
from trimtab.errors import DataError, TaskError
from trimtab.settings.answers import SpanAnswer

# Columns of where answers begin, and of what is asked.
START = SpanAnswer.model_fields["start"].default
ASKED = ("question", "query", "问题")
# Share of the answers that stand in a text from which on that is taken for their context.
MOSTLY = 0.8


@dataclass(frozen=True)
class SpanColumns:
    """Columns of the context, of what is asked, in order, and of the answer."""

    context: str
    asked: tuple[str, ...]
    answer: str

    @property
    def usual(self) -> bool:
        """Whether the answer's column is found without being named."""
        return self.answer in (ANSWERS_COLUMN, ANSWER)


def span_columns(
    records: Sequence[Record], columns: Mapping[str, Column], label: str | None, text: Sequence[str], *, sure: bool
) -> SpanColumns | None:
    """The columns of answers that stand in a context; None where they are of another kind.

    Args:
        records, columns: the rows, and what their columns hold.
        label: column of the answer; `answers` or `answer` by default.
        text: columns of what is read; by default all that may be.
        sure: whether answers are said to be spans. Else they are where they have starts, and most stand in one text.

    Raises:
        TaskError: they are said to be, and there is no column of answers, or they stand in no text.
    """
    names = (label,) if label else (ANSWERS_COLUMN, ANSWER)
    column = next((columns[name] for name in names if name in columns), None)
    if column is None and sure:
        raise TaskError("no column 'answers' or 'answer' holds the answers.", "Name it with --label.")
    if column is None or not (sure or START in columns or _with_starts(column)):
        return None
    taken = {column.name, START, IMPOSSIBLE}
    read = [columns[name] for name in text] or [one for one in columns.values() if one.read and one.name not in taken]
    shares = [(_standing(records, one.name, column.name), one.letters, one.name) for one in read]
    if not shares or max(shares)[0] < MOSTLY:
        if not sure:
            return None
        raise TaskError(
            f"the answers in the column '{column.name}' stand in no other column.",
            "Name the columns of the question and the context with --text, or set --answer text.",
        )
    context = max(shares)[2]
    others = [one.name for one in read if one.name != context]
    asked = others if text else [name for name in others if name.lower() in ASKED] or others[:1]
    return SpanColumns(context, tuple(asked), column.name)


def _with_starts(column: Column) -> bool:
    """Whether all values are as data sets write answers that stand in a text."""
    return all(isinstance(value, Mapping) and "text" in value and START in value for value in column.values)


def _standing(records: Sequence[Record], context: str, column: str) -> float:
    """Share of the answers that stand in the text of a column."""
    there: list[bool] = []
    for record in records:
        try:
            found = read_spans(record, column, START, as_text(record, context) or "")
        except DataError:
            return 0.0
        there += [any(found.found)] if found and found.texts else []
    return sum(there) / len(there) if there else 0.0
