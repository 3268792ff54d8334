"""From the probabilities of tags to tags and the entities they mark. Knows nothing about backbones or runs.

W tokens, C tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trimtab.data.tags.tags import as_bio, spans
from trimtab.data.text.tokens import cut, joined


@dataclass(frozen=True)
class Tokens:
    """What is tagged: the tokens, and where each begins and ends in the text they were cut from, if they were."""

    texts: Sequence[str]
    text: str = ""
    places: Sequence[tuple[int, int]] | None = None

    @classmethod
    def of(cls, tokens: Sequence[str], text: str) -> Tokens:
        """The tokens as given, or where there are none those of the text."""
        if tokens:
            return cls(tokens)
        places = cut(text)
        return cls([text[start:end] for start, end in places], text, places)


@dataclass(frozen=True)
class Entity:
    """An entity that was found.

    Attributes:
        type: its type.
        start, end: its first token, and the one behind its last, counted from 0.
        text: what it reads.
        probability: that all its tokens have these tags, the product of theirs.
        characters: where it begins and ends in the text, where that was cut into tokens; else None.
    """

    type: str
    start: int
    end: int
    text: str
    probability: float
    characters: tuple[int, int] | None = None


@dataclass(frozen=True)
class Tagged:
    """A row's tokens with a tag each, in valid BIO where they mark entities.

    Attributes:
        tokens, tags: W of each.
        probabilities: of each token's tag.
        entities: what the tags mark; none where each stands for itself.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    probabilities: tuple[float, ...]
    entities: tuple[Entity, ...]


def decoded(best: Sequence[int], names: Sequence[str], plain: bool) -> list[str]:
    """The most probable tag of each token; where tags mark entities, as valid BIO.

    Args:
        best: index of the most probable tag of each token [W].
        names: the tags.
        plain: whether tags stand each for itself.
    """
    tags = [names[i] for i in best]
    return tags if plain else as_bio(tags)[0]


def tag(
    tokens: Tokens,
    probabilities_WC: np.ndarray,
    names: Sequence[str],
    plain: bool,
    join: Literal["auto", "space", "none"],
) -> Tagged:
    """Give tokens their most probable tags.

    Args:
        tokens: the tokens.
        probabilities_WC: theirs.
        names: the C tags.
        plain: whether tags stand each for itself; else they mark entities.
        join: what stands between tokens (see `trimtab.data.text.tokens.joined`).
    """
    best = probabilities_WC.argmax(-1).tolist() if len(probabilities_WC) else []
    tags = decoded(best, names, plain)
    own = [float(row[i]) for row, i in zip(probabilities_WC, best, strict=True)]
    entities = []
    for kind, start, end in [] if plain else spans(tags):
        if tokens.places is None:
            text, characters = joined(tokens.texts[start:end], join), None
        else:
            characters = tokens.places[start][0], tokens.places[end - 1][1]
            text = tokens.text[slice(*characters)]
        entities.append(Entity(kind, start, end, text, float(np.prod(own[start:end])), characters))
    return Tagged(tuple(tokens.texts), tuple(tags), tuple(own), tuple(entities))
