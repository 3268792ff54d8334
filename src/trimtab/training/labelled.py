"""A row and its answer, as the loss and dev scores take it. Knows nothing about models or what is trained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from trimtab.backbones.layout import Row
from trimtab.prompts.verbalizer import Verbalizer


@dataclass(frozen=True)
class Labelled:
    """A row and its answer.

    Attributes:
        ids: its token ids behind the prompt.
        label: index of its label, or of the right one of its options.
        answer: where it is scored (see `layout.Row`).
        options: its own options, where it has them.
        number: the standardised number that is its answer, where answers are numbers.
        text: token ids of its answer and its end, where answers are free text.
        said: of a dialogue, places in `ids` of tokens that are trained as well: what the assistant said before.
        read_at: where answers are tags, the token ids that they are read at.
        tags: likewise, these tags.
        goes_on: likewise, whether it is a window on the same record as the row before (see `EncodedRow.windows`).
    """

    ids: tuple[int, ...]
    label: int
    answer: int | None = None
    options: Verbalizer | None = None
    number: float | None = None
    text: tuple[int, ...] = ()
    said: tuple[int, ...] = ()
    read_at: tuple[int, ...] | None = None
    tags: tuple[str, ...] = ()
    goes_on: bool = False

    @property
    def trained(self) -> int:
        """Tokens of free text that are trained."""
        return len(self.text) + len(self.said)

    def row(self, prompt: int = 0) -> Row:
        """The row as a head reads it, behind this prompt."""
        return Row(self.ids, prompt=prompt, answer=self.answer, read_at=self.read_at)


def fingerprint(rows: Sequence[Labelled]) -> str:
    """A hash of the training rows as the backbone reads them."""

    def content(row: Labelled) -> list[object]:
        own = [[word.ids for word in row.options.words]] if row.options else []
        tags = [] if row.read_at is None else [row.read_at, row.tags]
        return [row.ids, row.label, *own, *([] if row.number is None else [row.number]), *tags, *row.text, *row.said]

    return hashlib.sha256(json.dumps([content(row) for row in rows]).encode()).hexdigest()
