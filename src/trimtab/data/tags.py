"""Tags, a token each, and the entities they mark. Knows nothing about records, models or scores.

Tags that mark entities are in BIO (IOB2) within Trimtab: `B-type` begins one, `I-type` goes on with it, `O` is outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

OUTSIDE = "O"
# What may stand before the type of an entity, by scheme.
PREFIXES = {"bio": "BI", "iob1": "BI", "bioes": "BIES"}


class Span(NamedTuple):
    """An entity: its type, its first token, and the token behind its last, counted from 0."""

    type: str
    start: int
    end: int


def as_bio(tags: Sequence[str]) -> tuple[list[str], list[int]]:
    """Tags in BIO, IOB1 or BIOES as valid BIO, and the places of those that were mended.

    As in seqeval's default: an entity begins at `B-` and `S-`, and wherever an `I-` or `E-` does not go on with an
    entity of its type. Where the latter happens, in BIO and BIOES it is an oversight, in IOB1 the rule.
    """
    out: list[str] = []
    begun: list[int] = []
    kind, ended = OUTSIDE, True
    for at, tag in enumerate(tags):
        prefix, _, own = tag.partition("-")
        if tag == OUTSIDE:
            kind, ended = OUTSIDE, True
            out.append(tag)
            continue
        inside = prefix in "IE" and own == kind and not ended
        if prefix in "IE" and not inside:
            begun.append(at)
        out.append(f"{'I' if inside else 'B'}-{own}")
        kind, ended = own, prefix in "ES"
    return out, begun


def spans(tags: Sequence[str], plain: bool = False) -> list[Span]:
    """The entities of tags in valid BIO, in order; of `plain` tags each is one of its own."""
    if plain:
        return [Span(tag, at, at + 1) for at, tag in enumerate(tags)]
    found: list[Span] = []
    for at, tag in enumerate(tags):
        if tag.startswith("B-"):
            found.append(Span(tag[2:], at, at + 1))
        elif tag != OUTSIDE:
            found[-1] = found[-1]._replace(end=at + 1)
    return found


def hits(gold: Sequence[Span], predicted: Sequence[Span]) -> tuple[int, int, int]:
    """Entities found with the right type and ends, entities predicted, and entities there are."""
    return len(set(gold) & set(predicted)), len(predicted), len(gold)


def f1(found: float, predicted: float, there: float) -> float:
    """Harmonic mean of precision and recall; 0 where there is nothing to find and nothing predicted."""
    return 2 * found / (predicted + there) if predicted + there else 0.0
