"""What answers that stand in a context are like. Knows nothing about models or other answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from trimtab.data.counts.answers import NoAnswers
from trimtab.data.example import SpanExample
from trimtab.data.spans.context import cut_context, tokens_of


@dataclass(frozen=True)
class SpanCounts:
    """The answers of a split.

    Attributes:
        answered, without: rows with an answer, and rows that have none.
        several: rows with more than one right answer.
        astray: rows of whose answers none stands in the context.
        astray_where: the first of them, or "".
        tokens: tokens of the shortest, the median and the longest answer, the first of each row that stands there.
        context: characters of the median and of the longest context.
    """

    answered: int
    without: int
    several: int
    astray: int
    astray_where: str
    tokens: tuple[int, int, int]
    context: tuple[int, int]

    def in_words(self) -> str:
        """All of them as a phrase."""
        low, median, most = self.tokens
        several = f", {self.several:,} of them with several" if self.several else ""
        without = f", {self.without:,} without" if self.without else ""
        return (
            f"{_rows(self.answered)} with an answer{several}{without}; answers of {low} to {most} tokens, median "
            f"{median}; contexts of up to {self.context[1]:,} characters, median {self.context[0]:,}"
        )

    def table(self, most: int) -> list[tuple[str, str, str]]:
        """Nothing: spans are not counted each."""
        return []

    @property
    def conflict(self) -> None:
        """A question may well have several right answers."""

    def balance(self) -> list[str]:
        """Nothing is lopsided."""
        return []

    @property
    def known(self) -> None:
        """Dev and test may have answers of their own."""

    def warnings(self, known: Collection[str] | None) -> list[str]:
        """Answers that do not stand in their context are told as the rows are read."""
        return []

    def to_dict(self) -> dict[str, object]:
        """All of them."""
        return {"spans": asdict(self)}


def count_spans(examples: Sequence[SpanExample], count_tokens: Callable[[str], int] | None) -> SpanCounts | NoAnswers:
    """Count the spans of a split; `count_tokens` is not asked, as tokens are those of the context."""
    rows = [example for example in examples if example.answer is not None]
    if not rows:
        return NoAnswers()
    lengths = [length for row in rows for length in _length(row)]
    low, median, most = np.percentile(lengths, (0, 50, 100), method="inverted_cdf") if lengths else (0, 0, 0)
    middle, longest = np.percentile([len(row.context) for row in rows], (50, 100), method="inverted_cdf")
    astray = [row.where for row in rows if row.references and not row.spans]
    return SpanCounts(
        answered=sum(bool(row.references) for row in rows),
        without=sum(not row.references for row in rows),
        several=sum(len(row.references) > 1 for row in rows),
        astray=len(astray),
        astray_where=astray[0] if astray else "",
        tokens=(int(low), int(median), int(most)),
        context=(int(middle), int(longest)),
    )


def _length(row: SpanExample) -> list[int]:
    """Tokens of a row's first answer that stands in its context; of none nothing."""
    own = tokens_of(row.spans[0], cut_context(row.context)) if row.spans else None
    return [own[1] - own[0]] if own else []


def _rows(n: int) -> str:
    return f"{n:,} row{'' if n == 1 else 's'}"
