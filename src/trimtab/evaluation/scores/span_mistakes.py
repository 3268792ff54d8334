"""A mistaken row of a task whose answers stand in a context, as a report shows it. Knows nothing about figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from trimtab.data.example import SpanExample
from trimtab.evaluation.text.shortening import shortened

# Characters of the context that are shown on either side of a right or a given answer.
AROUND = 120
# Right answers that are shown.
MOST_RIGHT = 3


@dataclass(frozen=True)
class SpanMistake:
    """A row that is not answered as it should be.

    Attributes:
        where: place of origin.
        fields: the other fields of the row, the question among them, long ones shortened.
        pieces: what stands around the answers, each piece with what it is part of: `missed`, `spurious`, `both` or "".
        given: what was answered; "" for no answer.
        right: what is right, one of them is enough; none where nothing answers.
        f1: of this row.
    """

    where: str
    fields: dict[str, str]
    pieces: list[tuple[str, str]]
    given: str
    right: list[str]
    f1: float


def span_mistake(example: SpanExample, answer: Sequence[int], f1: float) -> SpanMistake:
    """Return what is wrong with the answer to a row.

    Args:
        example: the row.
        answer: its first character in the context and the one behind its last; () for none.
        f1: what it scored.
    """
    context = example.context
    fields = {name: shortened(text) for name, text in example.fields.items() if text != context}
    given = shortened(context[answer[0] : answer[1]]) if answer else ""
    right = [shortened(text) for text in example.references[:MOST_RIGHT]]
    return SpanMistake(example.where, fields, _pieces(example, answer), given, right, f1)


def _pieces(example: SpanExample, answer: Sequence[int]) -> list[tuple[str, str]]:
    """The context around the first right answer and the given one."""
    context = example.context
    right = example.spans[:1]
    marked = [*((own, "missed") for own in right), *([((answer[0], answer[1]), "spurious")] if answer else [])]
    if not marked:
        return [(shortened(context), "")] if context else []
    shown = [(max(0, start - AROUND), min(len(context), end + AROUND)) for (start, end), _ in marked]
    cuts = sorted({at for own in (*shown, *(place for place, _ in marked)) for at in own} | {0, len(context)})
    pieces: list[tuple[str, str]] = []
    for start, end in pairwise(cuts):
        inside = any(first <= start and end <= behind for first, behind in shown)
        marks = [mark for (first, behind), mark in marked if first <= start and end <= behind]
        text, mark = context[start:end] if inside else "…", "both" if len(marks) > 1 else "".join(marks)
        if pieces and pieces[-1][1] == mark:
            pieces[-1] = (pieces[-1][0] + text, mark)
        else:
            pieces.append((text, mark))
    return [(text.encode("utf-8", "replace").decode("utf-8"), mark) for text, mark in pieces]
