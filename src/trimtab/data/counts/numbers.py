"""What answers that are numbers are like. Knows nothing about other answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from trimtab.data.counts.answers import Advice, NoAnswers


@dataclass(frozen=True)
class NumberCounts:
    """The numbers of a split: the smallest, the median, the largest, their mean and standard deviation."""

    min: float
    median: float
    max: float
    mean: float
    sd: float

    def in_words(self) -> str:
        """All of them as a phrase."""
        ends = f"numbers from {self.min:g} to {self.max:g}, median {self.median:g}"
        return f"{ends}, mean {self.mean:.4g}, standard deviation {self.sd:.4g}"

    def table(self, most: int) -> list[tuple[str, str, str]]:
        """Nothing: numbers are not counted each."""
        return []

    @property
    def conflict(self) -> Advice:
        """Texts with different numbers."""
        return Advice("{texts} with different numbers", "Decide on one number for each.")

    def balance(self) -> list[str]:
        """Nothing is lopsided."""
        return []

    @property
    def known(self) -> None:
        """Dev and test may have numbers of their own."""

    def warnings(self, known: Collection[str] | None) -> list[str]:
        """Nothing looks wrong with a number."""
        return []

    def to_dict(self) -> dict[str, object]:
        """Their summary."""
        return {"numbers": asdict(self)}


def count_numbers(numbers: Sequence[float]) -> NumberCounts | NoAnswers:
    """Summarise the numbers of a split."""
    if not numbers:
        return NoAnswers()
    low, median, high = np.percentile(numbers, [0, 50, 100])
    return NumberCounts(float(low), float(median), float(high), float(np.mean(numbers)), float(np.std(numbers)))
