"""Tags, a token each, and the entities they mark. Knows nothing about records, models or scores.

Tags that mark entities are in BIO (IOB2) within Trimtab: `B-type` begins one, `I-type` goes on with it, `O` is outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

OUTSIDE = "O"
# What may stand before (or behind) the type of an entity, by scheme.
PREFIXES = {"bio": "BI", "iob1": "BI", "bioes": "BIES", "bilou": "BILU", "bmes": "BMES", "auto": "BIMELSU"}
# The type of entities whose tags name none, `B` and `I`.
UNNAMED = "entity"
# Those that go on with an entity, and those that end one.
_INSIDE, _LAST = "IMEL", "ELSU"


def parted(tag: str) -> tuple[str, str] | None:
    """The letter and the type of a tag, `B-place`, `place-B`, `B_place` or `B` alone; None of anything else."""
    if len(tag) == 1:
        return (tag, UNNAMED) if tag in PREFIXES["auto"] else None
    if len(tag) > 2 and tag[0] in PREFIXES["auto"] and tag[1] in "-_":
        return tag[0], tag[2:]
    if len(tag) > 2 and tag[-1] in PREFIXES["auto"] and tag[-2] in "-_":
        return tag[-1], tag[:-2]
    return None


class Span(NamedTuple):
    """An entity: its type, its first token, and the token behind its last, counted from 0."""

    type: str
    start: int
    end: int


def in_bio(tags: Sequence[str]) -> list[str]:
    """Tags that there are, each by itself in BIO, once each."""
    parts = ((tag, parted(tag)) for tag in tags)
    named = (f"{'I' if own[0] in _INSIDE else 'B'}-{own[1]}" if own else tag for tag, own in parts)
    return list(dict.fromkeys(named))


def as_bio(tags: Sequence[str]) -> tuple[list[str], list[int]]:
    """Tags in BIO, IOB1, BIOES, BILOU or BMES as valid BIO, and the places of those that were mended.

    As in seqeval's default: an entity begins at `B-`, `S-` and `U-`, and wherever an `I-`, `M-`, `E-` or `L-` does not
    go on with an entity of its type. Where the latter happens, in IOB1 it is the rule, elsewhere an oversight.
    """
    out: list[str] = []
    begun: list[int] = []
    kind, ended = OUTSIDE, True
    for at, tag in enumerate(tags):
        if tag == OUTSIDE:
            kind, ended = OUTSIDE, True
            out.append(tag)
            continue
        prefix, own = parted(tag) or ("B", tag)
        inside = prefix in _INSIDE and own == kind and not ended
        if prefix in _INSIDE and not inside:
            begun.append(at)
        out.append(f"{'I' if inside else 'B'}-{own}")
        kind, ended = own, prefix in _LAST
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
