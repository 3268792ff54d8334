"""Words whose vectors lie near a word's, or where an analogy points. Knows nothing about files.

Shapes: V words, D numbers of a word vector.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trimtab.errors import DataError, did_you_mean
from trimtab.evaluation.baselines.word_vectors import KeyedVectors, vector_of

# Words whose vectors are compared at a time: those that are mapped from disk are not read whole.
_AT_ONCE = 65_536
# Of so many first words the one that is spelt most alike is named, beside a word without a vector.
_SPELLED = 50_000


@dataclass(frozen=True)
class Near:
    """A word and the cosine of its vector with what was asked for."""

    word: str
    cosine: float


@dataclass(frozen=True)
class Neighbours:
    """What lies near a word.

    Attributes:
        word: as the vectors have it.
        known: whether it has a vector of its own; else it has one by its n-grams.
        near: the nearest first.
    """

    word: str
    known: bool
    near: tuple[Near, ...]


def nearest(vectors: KeyedVectors, word: str, count: int = 10, *, name: str = "vectors") -> Neighbours:
    """Return the words whose vectors have the largest cosine with a word's, without itself.

    Args:
        vectors: the vectors.
        word: as it is written or, where that has no vector, composed and case-folded.
        count: how many.
        name: what the vectors are called in messages.

    Raises:
        DataError: the word has no vector.
    """
    found, vector_D = _asked(vectors, word, name)
    near = _largest(vectors, _of_length_one(vector_D), count, {found})
    return Neighbours(found, found in vectors.key_to_index, near)


def analogy(vectors: KeyedVectors, words: Sequence[str], count: int = 10, *, name: str = "vectors") -> tuple[Near, ...]:
    """Return what is to `c` as `b` is to `a`: the largest cosine with b - a + c, each of length one, without the three.

    Mikolov, Yih and Zweig 2013; 3CosAdd in Levy and Goldberg 2014.

    Args:
        vectors, count, name: as in `nearest`.
        words: a, b, c.

    Raises:
        DataError: a word has no vector.
    """
    (a, a_D), (b, b_D), (c, c_D) = (_asked(vectors, word, name) for word in words)
    target_D = _of_length_one(b_D) - _of_length_one(a_D) + _of_length_one(c_D)
    return _largest(vectors, _of_length_one(target_D), count, {a, b, c})


def _asked(vectors: KeyedVectors, word: str, name: str) -> tuple[str, NDArray[np.float32]]:
    """A word as the vectors have it, and its vector. Raises DataError where there is none."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", word).casefold())
    spelt = word if word in vectors.key_to_index else folded
    vector_D = vector_of(spelt, vectors) if spelt.strip() else None
    if vector_D is None:
        first = [known for known, _ in zip(vectors.key_to_index, range(_SPELLED), strict=False)]
        raise DataError(
            f"{name}: '{word}' has no vector.", _alike(spelt, first) or f"{len(vectors.key_to_index):,} words have one."
        )
    return spelt, vector_D


def _alike(word: str, known: list[str]) -> str:
    """`Did you mean 'x'?`, for the most alike of very many words; "" where none is."""
    from rapidfuzz import process

    found = process.extractOne(word, known)
    return did_you_mean(word, [found[0]]) if found else ""


def _of_length_one(vector_D: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(vector_D))
    return vector_D / length if length else vector_D


def _cosines(vectors: KeyedVectors, unit_D: NDArray[np.float32]) -> Iterator[NDArray[np.floating]]:
    for start in range(0, len(vectors.vectors), _AT_ONCE):
        some_ND = np.asarray(vectors.vectors[start : start + _AT_ONCE])
        lengths_N = np.linalg.norm(some_ND, axis=1)
        yield some_ND @ unit_D / np.where(lengths_N > 0, lengths_N, 1)


def _largest(
    vectors: KeyedVectors, unit_D: NDArray[np.float32], count: int, without: Collection[str]
) -> tuple[Near, ...]:
    cosines_V = np.concatenate(list(_cosines(vectors, unit_D)))
    for word in without:
        if (row := vectors.key_to_index.get(word)) is not None:
            cosines_V[row] = -np.inf
    count = min(count, int(np.isfinite(cosines_V).sum()))
    if not count:
        return ()
    first = np.argpartition(-cosines_V, count - 1)[:count]
    order = first[np.lexsort((first, -cosines_V[first]))]
    wanted = set(order.tolist())
    names = {row: word for word, row in vectors.key_to_index.items() if row in wanted}
    return tuple(Near(names[row], float(cosines_V[row])) for row in order.tolist())
