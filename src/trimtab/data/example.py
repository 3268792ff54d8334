"""One record as the rest of the system sees it. Knows nothing about files or tokens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """Input fields and an answer.

    Attributes:
        fields: template field -> text, after column mapping and cleaning.
        answer: the label as it stands in the data (numbers as text: `5` -> "5"), or None where unlabelled; of a choice
            the right option, of a number its text, of tags all of them.
        where: place of origin for messages, e.g. `reviews.jsonl:12`.
        options: of a choice, what is chosen among; else empty.
        number: the answer of a task whose answers are numbers.
        tokens: of a task whose answers are tags, what is tagged; empty where the record holds a text.
        tags: their tags, in valid BIO where they mark entities; None where unlabelled or answers are of another kind.
        mended: the tokens (counted from 0) whose tags were inside an entity that had not begun.
    """

    fields: dict[str, str]
    answer: str | None
    where: str
    options: tuple[str, ...] = ()
    number: float | None = None
    tokens: tuple[str, ...] = ()
    tags: tuple[str, ...] | None = None
    mended: tuple[int, ...] = ()

    @property
    def stratum(self) -> str:
        """Which rows it is alike, for splits and samples: its label, or the place of the right option; else ""."""
        if self.number is not None or self.tags is not None or self.answer is None:
            return ""
        return str(self.options.index(self.answer)) if self.options else self.answer
