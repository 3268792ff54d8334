"""A mistaken row of a task whose answers are tags, as a report shows it. Knows nothing about figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trimtab.data.example import TaggedExample
from trimtab.data.tags.tags import Span, spans
from trimtab.data.text.tokens import joined, leads
from trimtab.evaluation.scores.gold import tags_of

# Tokens of a mistaken row that are shown.
SHOWN = 120


@dataclass(frozen=True)
class Marked:
    """An entity in a mistaken row: its type and its text."""

    type: str
    text: str


@dataclass(frozen=True)
class TagMistake:
    """A row with entities missed, or found where there are none.

    Attributes:
        where: place of origin.
        pieces: the row's text in pieces, each with what it is part of: `missed`, `spurious`, `both`, `right` or "".
        missed: entities that were not found.
        spurious: entities found that are none, ends and type included.
    """

    where: str
    pieces: list[tuple[str, str]]
    missed: list[Marked]
    spurious: list[Marked]


def tag_mistake(
    example: TaggedExample, predicted: Sequence[str], plain: bool, join: Literal["auto", "space", "none"]
) -> TagMistake:
    """Return what is wrong with the tags predicted for a row.

    Args:
        example: the row, with its tags.
        predicted: the tags predicted, in valid BIO unless plain.
        plain: whether each tag stands for itself.
        join: what stands between tokens.
    """
    there, found = spans(tags_of(example), plain), spans(predicted, plain)
    missed, spurious = sorted(set(there) - set(found), key=_place), sorted(set(found) - set(there), key=_place)
    marks = [""] * len(example.tokens)
    for mark, some in (("right", [s for s in there if s in found]), ("missed", missed), ("spurious", spurious)):
        for span in some:
            for at in range(span.start, span.end):
                marks[at] = "both" if marks[at] == "missed" and mark == "spurious" else mark
    if plain:
        marks = ["" if mark == "right" else "spurious" if mark == "both" else mark for mark in marks]
    pieces: list[tuple[str, str]] = []
    before = leads(example.tokens, join)
    for token, lead, mark in list(zip(example.tokens, before, marks, strict=True))[:SHOWN]:
        if pieces and pieces[-1][1] == mark:
            pieces[-1] = (pieces[-1][0] + lead + token, mark)
        else:
            pieces += [(lead, "")] if lead and pieces else []
            pieces.append((token, mark))
    if len(example.tokens) > SHOWN:
        pieces.append(("…", ""))

    def named(some: Sequence[Span]) -> list[Marked]:
        return [Marked(span.type, joined(example.tokens[span.start : span.end], join)) for span in some]

    return TagMistake(example.where, pieces, named(missed), named(spurious))


def _place(span: Span) -> tuple[int, int, str]:
    return span.start, span.end, span.type
