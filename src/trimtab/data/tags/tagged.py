"""A record's tokens and their tags, checked one by one. Knows nothing about input fields or what tags are good for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from trimtab.data.example import TaggedExample
from trimtab.data.records import Record
from trimtab.data.tags.tags import OUTSIDE, PREFIXES, as_bio, parted
from trimtab.data.text.clean import clean_text
from trimtab.data.values import as_text, listed, no_column, whole
from trimtab.errors import DataError, did_you_mean
from trimtab.settings.answers import TagsAnswer
from trimtab.settings.task import CleanStep

_TEXT = "text"
_ROW_HINT = "Correct the row, or leave it out."


class Tags(NamedTuple):
    """A row's tags, in valid BIO unless they are plain, and the places of those that had to be mended for that."""

    bio: tuple[str, ...]
    mended: tuple[int, ...]


def read_tokens(record: Record, answer: TagsAnswer, clean: Sequence[CleanStep]) -> tuple[str, ...] | str:
    """The tokens of a record, each cleaned as fields are (but never to nothing); or its text, where it holds none.

    A text is what the tokens' column holds instead of a list, or the column `text` where there is no such column.

    Raises:
        DataError: neither is there, the list is empty, or a token is blank or no text.
    """
    column = answer.tokens
    if not record.has(column) and isinstance(record.get(_TEXT), str):
        column = _TEXT
    if not record.has(column):
        raise no_column(record, column, "the tokens", "Set answer.tokens to one of them.")
    items = listed(record.get(column))
    if items is None:
        text = as_text(record, column)
        if text is None:
            raise DataError(f"{record.where}: column '{column}' is null, expected a list of tokens.", _ROW_HINT)
        return whole(clean_text(text, clean))
    if not items:
        raise DataError(f"{record.where}: column '{column}' holds an empty list.", "Leave the row out.")
    texts = [as_text(Record({column: item}, record.where), column) for item in items]
    for i, text in enumerate(texts, 1):
        if text is None or not text.strip():
            message = f"{record.where}: token {i} in column '{column}' is empty."
            raise DataError(message, "Fill it in, or leave it and its tag out.")
    return tuple(whole(clean_text(text, clean)).strip() or text for text in texts if text)


def read_tags(record: Record, column: str, answer: TagsAnswer, tokens: tuple[str, ...] | str) -> Tags | None:
    """The tags of a record's tokens; None where they are absent or null.

    Raises:
        DataError: they are no list of texts, not as many as the tokens, or not of the scheme.
    """
    value = record.get(column)
    if value is None or value == "":
        return None
    items = listed(value)
    if items is None:
        hint = 'Write the tags as a JSON list, ["O", "B-place"], or set data.label to another column.'
        raise DataError(f"{record.where}: column '{column}' does not hold a list of tags.", hint)
    if isinstance(tokens, str):
        hint = 'Write the tokens as a JSON list, ["in", "Rome"], or set answer.tokens to another column.'
        message = f"{record.where}: the tokens that the tags in column '{column}' belong to are one text, not a list."
        raise DataError(message, hint)
    if len(items) != len(tokens):
        message = f"{record.where}: {_counted(len(tokens), 'token')} and {_counted(len(items), 'tag')}."
        raise DataError(message, "Give each token one tag.")
    tags = []
    for i, item in enumerate(items, 1):
        if not isinstance(item, str) or not item.strip():
            message = f"{record.where}: tag {i} in column '{column}' is {json.dumps(item)}, expected text."
            raise DataError(message, "Write tags by name, such as B-place.")
        tags.append(whole(item.strip()))
    if answer.scheme == "plain":
        return Tags(tuple(tags), ())
    for i, tag in enumerate(tags, 1):
        _check_shape(tag, f"{record.where}: tag {i} in column '{column}'", answer.scheme)
    bio, mended = as_bio(tags)
    return Tags(tuple(bio), tuple(mended) if answer.scheme != "iob1" else ())


def check_tags(examples: Sequence[TaggedExample], known: Sequence[str]) -> None:
    """Check that the tags of training rows are all among `known`. Raises DataError at the first that is not."""
    for example in examples:
        for i, tag in enumerate(example.tags or (), 1):
            if tag not in known:
                hint = did_you_mean(tag, known) or "Correct the row, or add the tag to answer.tags."
                raise DataError(f"{example.where}: tag {i} is '{tag}', which is not among answer.tags.", hint)


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _check_shape(tag: str, place: str, scheme: str) -> None:
    parts = parted(tag)
    if tag == OUTSIDE or (parts and parts[0] in PREFIXES[scheme]):
        return
    letters = ", ".join(f"{letter}-type" for letter in PREFIXES[scheme])
    hint = "Set answer.scheme to auto, which reads all of BIO, BIOES, BILOU and BMES." if parts else ""
    raise DataError(
        f"{place} is '{tag}', expected O, {letters}.",
        hint or "Correct the tag, or set answer.scheme to plain where each tag stands for itself.",
    )
