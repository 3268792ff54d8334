"""What there is to say of the answers of a split, whatever they are. Knows nothing about any one kind of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Advice(NamedTuple):
    """What is found, with `{texts}` or `{rows}` for how often, and what to do about it."""

    found: str
    remedy: str


class AnswerCounts(Protocol):
    """The answers of one split, counted."""

    def in_words(self) -> str:
        """All of them as a phrase."""
        ...

    def table(self, most: int) -> list[tuple[str, str, str]]:
        """The commonest, `most` of them, each with how often it occurs and its share; then how many more there are."""
        ...

    @property
    def conflict(self) -> Advice | None:
        """What to say of texts whose answers differ; None where nothing is wrong with that."""
        ...

    def balance(self) -> list[str]:
        """What is lopsided, a sentence or two each."""
        ...

    @property
    def known(self) -> Collection[str] | None:
        """What dev and test may be expected to keep to, of train; None where that is not known."""
        ...

    def warnings(self, known: Collection[str] | None) -> list[str]:
        """What looks wrong with them besides, a sentence or two each; `known` is train's, None where there is none."""
        ...

    def to_dict(self) -> dict[str, object]:
        """What the report holds of them as plain data, by its own names."""
        ...


@dataclass(frozen=True)
class NoAnswers:
    """A split without any answer, where answers are no labels."""

    def in_words(self) -> str:
        """None."""
        return "0 labels"

    def table(self, most: int) -> list[tuple[str, str, str]]:
        """Nothing."""
        return []

    @property
    def conflict(self) -> None:
        """Nothing contradicts another."""

    def balance(self) -> list[str]:
        """Nothing is lopsided."""
        return []

    @property
    def known(self) -> None:
        """Nothing is known."""

    def warnings(self, known: Collection[str] | None) -> list[str]:
        """Nothing: rows without an answer are counted by themselves."""
        return []

    def to_dict(self) -> dict[str, object]:
        """Nothing."""
        return {}


def table_of(counts: Mapping[str, int], whole: int, distinct: int, most: int) -> list[tuple[str, str, str]]:
    """The first `most` names with their counts and shares of `whole`, and how many more of `distinct` there are."""
    rows = [(name, f"{count:,}", f"{100 * count / whole:.1f}%") for name, count in list(counts.items())[:most]]
    return [*rows, (f"... and {distinct - most} more", "", "")] if distinct > most else rows


def commonest_first(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts in descending order, equal ones by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def first_unknown(found: Collection[str], known: Collection[str] | None) -> str | None:
    """The first of what is found that is not known, and how many more; None where all is known, or nothing is."""
    unknown = [name for name in found if known is not None and name not in known]
    if not unknown:
        return None
    return f"'{unknown[0]}'" + (f" and {len(unknown) - 1} more" if len(unknown) > 1 else "")
