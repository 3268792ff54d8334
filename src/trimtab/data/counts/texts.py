"""What answers in free text are like: how many, how long. Knows nothing about models or other answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from trimtab.data.counts.answers import NoAnswers
from trimtab.data.example import TextExample


@dataclass(frozen=True)
class TextCounts:
    """The answers of a split.

    Attributes:
        answers, distinct: all of them, and how many different ones.
        several: rows with more than one.
        characters: their shortest, median, 95th percentile and longest, in characters.
        tokens: the same in tokens; None where no counter was given.
    """

    answers: int
    distinct: int
    several: int
    characters: tuple[int, int, int, int]
    tokens: tuple[int, int, int, int] | None

    def in_words(self) -> str:
        """All of them as a phrase."""
        rows = f", {self.several:,} row{'' if self.several == 1 else 's'} with several" if self.several else ""
        low, median, high, most = self.tokens or self.characters
        unit = "tokens" if self.tokens else "characters"
        return (
            f"{self.answers:,} answers in free text, {self.distinct:,} different{rows}; {low} to {most} {unit}, median "
            f"{median}, 95% up to {high}"
        )

    def table(self, most: int) -> list[tuple[str, str, str]]:
        """Nothing: texts are not counted each."""
        return []

    @property
    def conflict(self) -> None:
        """An input may well have several right answers."""

    def balance(self) -> list[str]:
        """Nothing is lopsided."""
        return []

    @property
    def known(self) -> None:
        """Dev and test may have texts of their own."""

    def warnings(self, known: Collection[str] | None) -> list[str]:
        """Nothing looks wrong with a text."""
        return []

    def to_dict(self) -> dict[str, object]:
        """All of them."""
        return {"texts": asdict(self)}


def count_texts(examples: Sequence[TextExample], count_tokens: Callable[[str], int] | None) -> TextCounts | NoAnswers:
    """Count answers in free text, and measure them in tokens too where there is a counter."""
    texts = [text for example in examples for text in example.references]
    if not texts:
        return NoAnswers()
    return TextCounts(
        answers=len(texts),
        distinct=len(set(texts)),
        several=sum(len(example.references) > 1 for example in examples),
        characters=_lengths([len(text) for text in texts]),
        tokens=None if count_tokens is None else _lengths([count_tokens(text) for text in texts]),
    )


def _lengths(sizes: Sequence[int]) -> tuple[int, int, int, int]:
    low, median, high, most = np.percentile(sizes, (0, 50, 95, 100), method="inverted_cdf")
    return int(low), int(median), int(high), int(most)
