"""What answers in free text are like: how many, how long. Knows nothing about input fields or models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.data.example import Example


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


def count_texts(examples: Sequence[Example], count_tokens: Callable[[str], int] | None) -> TextCounts | None:
    """Count answers in free text; None where there are none."""
    texts = [text for example in examples for text in example.references]
    if not texts:
        return None
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
