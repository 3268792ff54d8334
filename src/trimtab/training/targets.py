"""Rows and what is right for them, as losses and dev scores take them. Knows nothing about what is trained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trimtab.backbones.layout import Row
from trimtab.prompts.verbalizer import Verbalizer


class Target(Protocol):
    """A row and what is right for it."""

    @property
    def ids(self) -> tuple[int, ...]:
        """Its token ids behind the prompt."""
        ...

    @property
    def content(self) -> list[object]:
        """All that decides what is learnt from it, as plain values."""
        ...


@dataclass(frozen=True)
class LabelTarget:
    """A row and its label.

    Attributes:
        ids: its token ids behind the prompt.
        label: index of the label.
        answer: where it is scored (see `layout.Row`).
    """

    ids: tuple[int, ...]
    label: int
    answer: int | None = None

    @property
    def content(self) -> list[object]:
        """Ids and label."""
        return [self.ids, self.label]

    def read(self, prompt: int = 0) -> Row:
        """The row as a head reads it, behind this prompt."""
        return Row(self.ids, prompt=prompt, answer=self.answer)


@dataclass(frozen=True)
class MultiLabelTarget:
    """A row and the labels that fit it.

    Attributes:
        ids: its token ids behind the prompt.
        fits: of each label whether it does.
        answer: where they are scored (see `layout.Row`).
    """

    ids: tuple[int, ...]
    fits: tuple[bool, ...]
    answer: int | None = None

    @property
    def content(self) -> list[object]:
        """Ids, and the places of labels that fit."""
        return [self.ids, 0, [i for i, own in enumerate(self.fits) if own]]

    def read(self, prompt: int = 0) -> Row:
        """The row as a head reads it, behind this prompt."""
        return Row(self.ids, prompt=prompt, answer=self.answer)


@dataclass(frozen=True)
class OptionTarget:
    """A row and the right one of its own options.

    Attributes:
        ids: its token ids behind the prompt.
        label: index of the right option.
        options: the options' tree.
        answer: where they are scored (see `layout.Row`).
    """

    ids: tuple[int, ...]
    label: int
    options: Verbalizer
    answer: int | None = None

    @property
    def content(self) -> list[object]:
        """Ids, the right option, and all options' tokens."""
        return [self.ids, self.label, [word.ids for word in self.options.words]]


@dataclass(frozen=True)
class NumberTarget:
    """A row and the standardised number that is its answer; `answer` is where it is read (see `layout.Row`)."""

    ids: tuple[int, ...]
    number: float
    answer: int | None = None

    @property
    def content(self) -> list[object]:
        """Ids and number."""
        return [self.ids, 0, self.number]

    def read(self, prompt: int = 0) -> Row:
        """The row as a head reads it, behind this prompt."""
        return Row(self.ids, prompt=prompt, answer=self.answer)


@dataclass(frozen=True)
class TagTarget:
    """A row, or a window on a long one, whose tokens have a tag each.

    Attributes:
        ids: its token ids behind the prompt.
        read_at: the places in `ids` that tags are read at.
        tags: these tags.
        goes_on: whether it is a window on the same record as the row before (see `EncodedRow.windows`).
    """

    ids: tuple[int, ...]
    read_at: tuple[int, ...]
    tags: tuple[str, ...]
    goes_on: bool = False

    @property
    def content(self) -> list[object]:
        """Ids, places and tags."""
        return [self.ids, 0, self.read_at, self.tags]

    def read(self, prompt: int = 0) -> Row:
        """The row as a head reads it, behind this prompt."""
        return Row(self.ids, prompt=prompt, read_at=self.read_at)


@dataclass(frozen=True)
class SpanTarget:
    """A row, or a window on a long one, in which a span of tokens answers, or none does.

    Attributes:
        ids: its token ids behind the prompt.
        read_at: the places in `ids` that are read: that of no answer, then those of the window's tokens.
        start, end: which of `read_at` the answer begins and ends at; 0 where the window has none.
        places: where each of the window's tokens begins and ends in the context, in characters.
        context: the whole context.
        references: every text that is right; none where nothing answers.
        goes_on: whether it is a window on the same record as the row before (see `EncodedRow.windows`).
    """

    ids: tuple[int, ...]
    read_at: tuple[int, ...]
    start: int
    end: int
    places: Sequence[tuple[int, int]]
    context: str
    references: tuple[str, ...]
    goes_on: bool = False

    @property
    def content(self) -> list[object]:
        """Ids, places, and where the answer begins and ends."""
        return [self.ids, 0, self.read_at, self.start, self.end]

    def read(self, prompt: int = 0) -> Row:
        """The row as a head reads it, behind this prompt."""
        return Row(self.ids, prompt=prompt, read_at=self.read_at)


@dataclass(frozen=True)
class TextTarget:
    """A row and a text that answers it.

    Attributes:
        ids: its token ids behind the prompt.
        text: token ids of the answer and its end.
        said: of a dialogue, places in `ids` of tokens that are trained as well: what the assistant said before.
    """

    ids: tuple[int, ...]
    text: tuple[int, ...]
    said: tuple[int, ...] = ()

    @property
    def trained(self) -> int:
        """Tokens that are trained."""
        return len(self.text) + len(self.said)

    @property
    def content(self) -> list[object]:
        """Ids, and all that is trained."""
        return [self.ids, 0, *self.text, *self.said]


def fingerprint(rows: Sequence[Target]) -> str:
    """A hash of the training rows as the backbone reads them."""
    return hashlib.sha256(json.dumps([row.content for row in rows]).encode()).hexdigest()
