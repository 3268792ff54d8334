"""One record as the rest of the system sees it: input and answer, by what its answer is. Knows nothing about files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Example:
    """Input fields and an answer: as it stands here, a label.

    Attributes:
        fields: template field -> text, after column mapping and cleaning.
        answer: the label as it stands in the data (numbers as text: `5` -> "5"), or None where unlabelled; of a choice
            the right option, of a number its text, of tags all of them, of spans and free text the first that is right.
        where: place of origin for messages, e.g. `reviews.jsonl:12`.
        group: what it shares with the rows that stay on its side when test and dev are set aside; "" where nothing.
        slices: column -> value, of the columns that scores are told apart by (`data.slices`); "" where it is empty.
    """

    fields: dict[str, str]
    answer: str | None
    where: str
    group: str = ""
    slices: dict[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def stratum(self) -> str:
        """Which rows it is alike, for splits and samples: its label, or the place of the right option; else ""."""
        return self.answer or ""

    def class_in(self, labels: Sequence[str]) -> int | None:
        """Which of the classes its answer is: the index of its label, or of a choice the place of the right option.

        None where it is unlabelled, or its label is none of them.
        """
        return labels.index(self.answer) if self.answer in labels else None

    def classes_in(self, labels: Sequence[str]) -> Sequence[int]:
        """Which of the classes it counts for: that of its answer, or of several labels all of them."""
        found = self.class_in(labels)
        return () if found is None else (found,)

    def class_names(self, labels: Sequence[str]) -> Sequence[str]:
        """What its classes are called: the labels, or its own options."""
        return labels

    @property
    def beside(self) -> tuple[str, ...]:
        """What belongs to its input beside the fields: the options of a choice."""
        return ()

    @property
    def targets(self) -> int:
        """How often it is trained on in an epoch: once a right answer."""
        return 1

    @property
    def decides(self) -> tuple[str, ...]:
        """What else than fields and answer decides how it is answered and scored."""
        return ()


@dataclass(frozen=True)
class MultiLabelExample(Example):
    """A record that any number of labels fit.

    Attributes:
        labels: those that do, in the order of the record; None where unlabelled, empty where none of them fits.
        separator: what stood between them in a text; "" where nothing did.
    """

    labels: tuple[str, ...] | None = None
    separator: str = ""

    @property
    def stratum(self) -> str:
        """Its first label in the order of their names."""
        return min(self.labels or ("",))

    def class_in(self, labels: Sequence[str]) -> None:
        """None: it has no class that is its only one."""

    def classes_in(self, labels: Sequence[str]) -> list[int]:
        """All of its labels."""
        return [labels.index(label) for label in self.labels or () if label in labels]


@dataclass(frozen=True)
class ChoiceExample(Example):
    """A record whose answer is one of its own options.

    Attributes:
        options: what is chosen among.
    """

    options: tuple[str, ...] = ()

    @property
    def stratum(self) -> str:
        """The place of the right option."""
        return "" if self.answer is None else str(self.options.index(self.answer))

    def class_in(self, labels: Sequence[str]) -> int | None:
        """The place of the right option, whatever places are called."""
        return None if self.answer is None else self.options.index(self.answer)

    def class_names(self, labels: Sequence[str]) -> tuple[str, ...]:
        """The options."""
        return self.options

    @property
    def beside(self) -> tuple[str, ...]:
        """The options."""
        return self.options

    @property
    def decides(self) -> tuple[str, ...]:
        """The options."""
        return self.options


@dataclass(frozen=True)
class NumberExample(Example):
    """A record whose answer is a number; None where it is unlabelled."""

    number: float | None = None

    @property
    def stratum(self) -> str:
        """All numbers are alike."""
        return ""


@dataclass(frozen=True)
class TextExample(Example):
    """A record whose answer is free text.

    Attributes:
        references: every answer that is right, `answer` first.
        tests: of an answer that is a program, what it must pass; else "".
    """

    references: tuple[str, ...] = ()
    tests: str = ""

    @property
    def stratum(self) -> str:
        """All texts are alike."""
        return ""

    @property
    def decides(self) -> tuple[str, ...]:
        """Every right answer."""
        return self.references

    @property
    def targets(self) -> int:
        """Once a right answer."""
        return len(self.references) or 1


@dataclass(frozen=True)
class TaggedExample(Example):
    """A record whose tokens have a tag each.

    Attributes:
        tokens: what is tagged; empty where the record holds a text.
        tags: their tags, in valid BIO where they mark entities; None where unlabelled.
        mended: the tokens (counted from 0) whose tags were inside an entity that had not begun.
    """

    tokens: tuple[str, ...] = ()
    tags: tuple[str, ...] | None = None
    mended: tuple[int, ...] = ()

    @property
    def stratum(self) -> str:
        """All are alike."""
        return ""

    @property
    def decides(self) -> tuple[str, ...]:
        """The tokens."""
        return self.tokens


@dataclass(frozen=True)
class SpanExample(Example):
    """A record whose answer stands in its context, or that has none.

    Attributes:
        context: what the answer stands in, as given.
        references: every text that is right, `answer` first; none where nothing in the context answers.
        spans: where those of them that stand in the context begin and end, in characters; `answer` is "" of no answer.
    """

    context: str = ""
    references: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def stratum(self) -> str:
        """Rows with an answer are alike, and rows without one."""
        return "" if self.references or self.answer is None else "no answer"

    @property
    def decides(self) -> tuple[str, ...]:
        """Every right answer, and its place."""
        return (*self.references, *(f"{start}-{end}" for start, end in self.spans))
