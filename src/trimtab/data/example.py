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
        references: of free text every answer that is right, `answer` first; else empty.
        tests: of an answer that is a program, what it must pass; else "".
        group: what it shares with the rows that stay on its side when test and dev are set aside; "" where nothing.
        tokens: of a task whose answers are tags, what is tagged; empty where the record holds a text.
        tags: their tags, in valid BIO where they mark entities; None where unlabelled or answers are of another kind.
        mended: the tokens (counted from 0) whose tags were inside an entity that had not begun.
    """

    fields: dict[str, str]
    answer: str | None
    where: str
    options: tuple[str, ...] = ()
    number: float | None = None
    references: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    tags: tuple[str, ...] | None = None
    mended: tuple[int, ...] = ()
    tests: str = ""
    group: str = ""

    @property
    def kept_open(self) -> bool:
        """Whether its answer is not one of a fixed set of labels."""
        return bool(self.options or self.references) or self.number is not None or self.tags is not None

    @property
    def stratum(self) -> str:
        """Which rows it is alike, for splits and samples: its label, or the place of the right option; else ""."""
        if self.answer is None or (self.kept_open and not self.options):
            return ""
        return str(self.options.index(self.answer)) if self.options else self.answer
