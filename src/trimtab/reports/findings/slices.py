"""What the scores of parts of the rows say. Knows nothing about kinds of answer, HTML or drawing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trimtab.evaluation.slices.sliced import FEWEST_ROWS, Slice, Sliced, SlicesBy
from trimtab.reports.format import bare_text, capital, metric_text, p_cell, p_text

MOST_NAMED = 3
# More parts than these are folded away on the page.
MOST_OPEN = 12


@dataclass(frozen=True)
class SliceRow:
    """A part as it is shown: its name, rows, score, interval and p-value as written, and whether it is really worse."""

    name: str
    rows: str
    score: str
    interval: str
    p: str
    worse: bool


@dataclass(frozen=True)
class SliceTable:
    """The parts of one division as they are shown: what divides them, whether the data name them, and a row each."""

    title: str
    own: bool
    rows: list[SliceRow]

    @property
    def folded(self) -> bool:
        """Whether there are too many rows to show at once."""
        return len(self.rows) > MOST_OPEN


def slice_tables(sliced: Sliced | None) -> list[SliceTable]:
    """Return a table for each way in which rows were divided."""
    if sliced is None:
        return []
    return [
        SliceTable(_title(by), by.by == "column", [_row(part, sliced) for part in by.slices]) for by in sliced.divided
    ]


def score_heading(sliced: Sliced) -> str:
    """Return the heading of the scores, as written in a line."""
    return sliced.metric.name + (", %" if sliced.metric.unit == "share" else "")


def slices_sentence(sliced: Sliced | None) -> str:
    """Return which parts are really worse than the rest, or that none is; "" where there are no parts."""
    if sliced is None or not sliced.divided:
        return ""
    if not sliced.tested:
        return f"No part has {FEWEST_ROWS} rows, or leaves as many: none could be tested against the rest."
    one = "the one part that was tested" if sliced.tested == 1 else f"all {sliced.tested:,} parts that were tested"
    worse = sorted(_worse(sliced), key=lambda found: found[0].p_adjusted or 0)
    if not worse:
        return f"No part is worse than the rest by more than chance explains, of {one}."
    named = ", ".join(
        f"{name} ({metric_text(part.score, sliced.metric)}, the rest {metric_text(part.rest or 0, sliced.metric)}; "
        f"{p_text(part.p_adjusted or 0)})"
        for part, name in worse[:MOST_NAMED]
    )
    more = f" and {len(worse) - MOST_NAMED} more" if len(worse) > MOST_NAMED else ""
    return f"Really worse than the rest: {named}{more}. The p-values allow for {one}."


def worse_sentence(sliced: Sliced | None) -> str:
    """Return `slices_sentence` where a part is really worse, else ""."""
    return slices_sentence(sliced) if sliced is not None and any(_worse(sliced)) else ""


def _worse(sliced: Sliced) -> Iterator[tuple[Slice, str]]:
    """Parts that are really worse, each with its name in a sentence."""
    for by in sliced.divided:
        yield from ((part, _named(by, part)) for part in by.slices if part.worse)


def _named(by: SlicesBy, part: Slice) -> str:
    if by.by == "length":
        return f"inputs of {part.name}"
    return f"{by.name} “{part.name}”" if part.name else f"{by.name} empty"


def _title(by: SlicesBy) -> str:
    return "Length of the input" if by.by == "length" else capital(by.name) if by.by == "answer" else by.name


def _row(part: Slice, sliced: Sliced) -> SliceRow:
    low, high = (bare_text(end, sliced.metric) for end in (part.interval.low, part.interval.high))
    return SliceRow(
        part.name, f"{part.rows:,}", bare_text(part.score, sliced.metric), f"{low} to {high}", p_cell(part.p_adjusted),
        part.worse,
    )  # fmt: skip
