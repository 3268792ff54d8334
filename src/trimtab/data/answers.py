"""A record's answer and options: labels, choices, numbers, texts. Knows nothing about input fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from string import ascii_uppercase

from trimtab.data.records import Record
from trimtab.data.text.clean import clean_text
from trimtab.data.values import as_text, listed, no_column, whole
from trimtab.errors import DataError, did_you_mean
from trimtab.settings.answers import ChoiceAnswer
from trimtab.settings.task import CleanStep


def read_label(record: Record, column: str) -> str | None:
    """The answer without white space around it; None where it is absent, null or blank.

    Raises:
        DataError: it is a list or an object.
    """
    text = as_text(record, column) if record.has(column) else None
    return (whole(text).strip() or None) if text else None


def read_texts(record: Record, column: str, stop: Sequence[str] = ()) -> tuple[str, ...]:
    """Every answer of a record, from a text or a list of texts, in order, once each; empty where there is none.

    White space around an answer and a text of `stop` at its end are left out.

    Raises:
        DataError: an answer that is no text or number, or blank beside others.
    """
    value = record.get(column)
    if not isinstance(value, list):
        text = _ended(read_label(record, column) or "", stop)
        return (text,) if text else ()
    texts = [_ended(as_text(Record({column: item}, record.where), column) or "", stop) for item in value]
    if not all(texts):
        message = f"{record.where}: one of the {len(texts)} answers in column '{column}' is empty."
        raise DataError(message, "Take it out, or write it.")
    return tuple(dict.fromkeys(whole(text) for text in texts))


def _ended(text: str, stop: Sequence[str]) -> str:
    text = text.strip()
    for end in stop:
        text = text.removesuffix(end).rstrip()
    return text


def read_number(record: Record, column: str) -> float | None:
    """The answer as a number; None where it is absent, null or blank.

    Raises:
        DataError: it is text that is no number, not finite, a truth value, or a list.
    """
    value = record.get(column)
    text = str(value) if isinstance(value, float | bool) else read_label(record, column)
    if text is None:
        return None
    try:
        number = float(text) if "_" not in text and not isinstance(value, bool) else None
    except ValueError:
        number = None
    if number is None:
        hint = "Write it like 3.5, or leave the row out."
        raise DataError(f"{record.where}: answer '{text}' in column '{column}' is not a number.", hint)
    if not math.isfinite(number):
        hint = "Correct the row, or leave it out."
        raise DataError(f"{record.where}: answer '{text}' in column '{column}' is not a finite number.", hint)
    return number


def read_options(record: Record, answer: ChoiceAnswer, clean: Sequence[CleanStep]) -> tuple[str, ...]:
    """The options of a record, cleaned as fields are, without white space around them.

    Raises:
        DataError: a column is missing, what should be a list is none, an option is empty or stands twice, there are
            fewer than two.
    """
    columns = answer.options
    if isinstance(columns, str):
        texts = _listed(record, columns)
        places = [f"option {i}" for i in range(1, len(texts) + 1)]
    else:
        for column in columns:
            if not record.has(column):
                raise no_column(record, column, "an option", "Set answer.options to columns that are there.")
        texts = [as_text(record, column) for column in columns]
        places = [f"option {i} (column '{column}')" for i, column in enumerate(columns, 1)]
    options = [clean_text(whole(text), clean).strip() if text else "" for text in texts]
    for place, option in zip(places, options, strict=True):
        if not option:
            raise DataError(f"{record.where}: {place} is empty.", "Fill it in, or leave the row out.")
    if len(options) < 2:
        found = f"{len(options)} option{'' if len(options) == 1 else 's'}"
        raise DataError(f"{record.where}: {found}, expected two or more.", "Add options, or leave the row out.")
    for j, option in enumerate(options):
        i = options.index(option)
        if i != j:
            message = f"{record.where}: options {i + 1} and {j + 1} are the same: '{option}'."
            raise DataError(message, "Correct the row, or leave it out.")
    return tuple(options)


def lettered(options: Sequence[str]) -> str:
    """Options as a text that shows them all, `A. ...` a line."""
    return "\n".join(f"{_letter(i)}. {option}" for i, option in enumerate(options))


def read_choice(record: Record, column: str, answer: ChoiceAnswer, options: Sequence[str]) -> str | None:
    """The right option's text; None where the answer is absent, null or blank.

    Raises:
        DataError: it names none of the options.
    """
    text = read_label(record, column)
    if text is None:
        return None
    text, n = text.strip(), len(options)
    match answer.by:
        case "text":
            if text in options:
                return text
            listed = ", ".join(f"'{option}'" for option in options)
            hint = did_you_mean(text, options) or "Correct the row, or set answer.by to index or letter."
            raise DataError(f"{record.where}: answer '{text}' is not one of the options {listed}.", hint)
        case "letter":
            letters = [_letter(i) for i in range(n)]
            if text.upper() in letters:
                return options[letters.index(text.upper())]
            hint = "Correct the row, or set answer.by to index or text."
            raise DataError(f"{record.where}: answer '{text}' is not one of {letters[0]} to {letters[-1]}.", hint)
        case "index":
            if not (text.isascii() and text.removeprefix("-").isdigit()):
                hint = "Set answer.by to letter or text, or correct the row."
                raise DataError(f"{record.where}: answer '{text}' is not the number of an option.", hint)
            number = _number_of(text, answer.first)
            if not 0 <= number < n:
                other = f" Where options are counted from {1 - answer.first}, set answer.first to {1 - answer.first}."
                shown = text if len(text) <= 40 else f"{text[:40]}..."
                message = f"{record.where}: answer {shown} is not one of {answer.first} to {n - 1 + answer.first}."
                raise DataError(message, f"Correct the row.{other}")
            return options[number]


def _number_of(text: str, first: int) -> int:
    """The place that digits name, counted from 0; -1 for more digits than any number of options has."""
    digits = text.removeprefix("-").lstrip("0") or "0"
    if len(digits) > 9:
        return -1
    return (-int(digits) if text.startswith("-") else int(digits)) - first


def _letter(i: int) -> str:
    """A to Z, AA to ZZ, AAA and so on, as spreadsheets name their columns."""
    letters = ""
    while i >= 0:
        letters, i = ascii_uppercase[i % 26] + letters, i // 26 - 1
    return letters


def _listed(record: Record, column: str) -> list[str | None]:
    """The texts of a list, or of a JSON list in a text."""
    if not record.has(column):
        raise no_column(record, column, "the options", "Set answer.options to a column that is there.")
    value = listed(record.get(column))
    if value is None:
        hint = 'Write the options as a JSON list, ["one", "two"], or name several columns in answer.options.'
        raise DataError(f"{record.where}: column '{column}' does not hold a list of options.", hint)
    items = [Record({column: item}, record.where) for item in value]
    return [as_text(item, column) for item in items]
