"""A record's answers that stand in its context, in the forms that data sets have them. Knows nothing about models.

{"answers": {"text": ["Oslo"], "answer_start": [17]}}          datasets, and SQuAD's own files as they are read here
{"answers": [{"text": "Oslo", "answer_start": 17}]}
{"answer": "Oslo", "answer_start": 17}                         or a list of texts, with or without starts
{"answers": []}, {"is_impossible": true}                       no answer
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trimtab.data.records import Record
from trimtab.data.spans.context import Place
from trimtab.data.spans.find import FoundAnswer, find_answer
from trimtab.data.values import as_text, whole
from trimtab.errors import DataError

ANSWERS_COLUMN, ANSWER, IMPOSSIBLE = "answers", "answer", "is_impossible"
_STARTS = ("answer_start", "start")
_YES = ("true", "yes", "1")
_HINT = "Correct the row, or leave it out."


@dataclass(frozen=True)
class SpanAnswers:
    """The right answers of a record.

    Attributes:
        texts: all of them; none where nothing answers.
        found: where each of them stands; None where it does not.
    """

    texts: tuple[str, ...]
    found: tuple[FoundAnswer | None, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """Where those stand that do, once each."""
        return tuple(dict.fromkeys(one.place for one in self.found if one))


def column_of(record: Record, column: str) -> str:
    """The column of the answers: the one that is named, or `answer` where `answers` is and there is none."""
    bare = column == ANSWERS_COLUMN and not record.has(ANSWERS_COLUMN)
    return ANSWER if bare and record.has(ANSWER) else column


def read_spans(record: Record, column: str, starts: str, context: str) -> SpanAnswers | None:
    """The answers of a record and where they stand; None where they are absent, null or blank.

    Args:
        record: the record.
        column: its column of answers; `answers` stands for `answer` too.
        starts: column of where they begin, where that is no part of the answers.
        context: what they stand in.

    Raises:
        DataError: an answer that is no text, or blank beside others; a start that is no whole number; more or fewer
            starts than answers.
    """
    if str(record.get(IMPOSSIBLE)).lower() in _YES:
        return SpanAnswers((), ())
    column = column_of(record, column)
    pairs = _pairs(record, column, starts)
    if pairs is None:
        return None
    found: dict[tuple[str, Place | None], FoundAnswer | None] = {}
    for text, start in pairs:
        own = find_answer(context, text, start)
        found.setdefault((text.strip(), own.place if own else None), own)
    return SpanAnswers(tuple(text for text, _ in found), tuple(found.values()))


def _pairs(record: Record, column: str, starts: str) -> list[tuple[str, int | None]] | None:
    """Answers and where they begin; None where the record has none to look at."""
    value = _parsed(record.get(column))
    match value:
        case None:
            return None
        case Mapping():
            return _of_object(record, column, value)
        case list() if any(isinstance(item, Mapping) for item in value):
            return [pair for item in value for pair in _of_object(record, column, item)]
        case list():
            return _paired(record, column, value, _parsed(record.get(starts)), starts)
    text, start = as_text(record, column), _parsed(record.get(starts))
    if text is None or not text.strip():
        return [] if start in (-1, "-1") else None
    return _paired(record, column, [value], start, starts)


def _parsed(value: object) -> object:
    """A value, or the JSON list or object that a cell of a table holds."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            made: object = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return made if isinstance(made, list | Mapping) else value
    return value


def _of_object(record: Record, column: str, value: object) -> list[tuple[str, int | None]]:
    """Answers of `{"text": ..., "answer_start": ...}`, of one or of lists of them."""
    if not isinstance(value, Mapping) or "text" not in value:
        message = f"{record.where}: column '{column}' holds an answer without a text."
        raise DataError(message, 'Write {"text": ["..."], "answer_start": [0]}, or a text alone.')
    texts = value["text"] if isinstance(value["text"], list) else [] if value["text"] is None else [value["text"]]
    name = next((name for name in _STARTS if name in value), _STARTS[0])
    return _paired(record, column, texts, value.get(name), name)


def _paired(
    record: Record, column: str, items: Sequence[object], starts: object, name: str
) -> list[tuple[str, int | None]]:
    """Texts with their starts. Raises DataError where they do not go together."""
    texts = [as_text(Record({column: item}, record.where), column) or "" for item in items]
    blank = next((i for i, text in enumerate(texts, 1) if not text.strip()), None)
    if blank is not None:
        message = f"{record.where}: answer {blank} of {len(texts)} in column '{column}' is empty."
        raise DataError(message, "Take it out, or write it; [] says that there is no answer.")
    listed = starts if isinstance(starts, list) else [] if starts in (None, "") else [starts]
    if not listed or all(start is None for start in listed):
        return [(whole(text), None) for text in texts]
    if len(listed) != len(texts):
        message = f"{record.where}: answers in column '{column}': {len(texts)}, but starts in '{name}': {len(listed)}."
        raise DataError(message, "Give each answer one start, or leave all of them out.")
    return [(whole(text), _start(record, start, name)) for text, start in zip(texts, listed, strict=True)]


def _start(record: Record, value: object, name: str) -> int | None:
    """A place in characters; a negative one says nothing. Raises DataError where it is no whole number."""
    made: int | None = None
    if isinstance(value, float) and value.is_integer():
        made = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        made = value
    elif isinstance(value, str) and value.strip().removeprefix("-").isdecimal() and len(value) < 20:
        made = int(value)
    elif value is not None:
        shown = json.dumps(value, ensure_ascii=False, default=str)[:40]
        message = f"{record.where}: '{name}' is {shown}, expected the number of the answer's first character."
        raise DataError(message, _HINT)
    return made if made is not None and made >= 0 else None
