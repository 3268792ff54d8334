"""Vectors of a word's character n-grams, hashed as FastText hashes them. Knows nothing about how they were trained.

Shapes: G n-gram buckets that have a vector, D numbers of a vector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Of the 32-bit FNV-1a hash.
_OFFSET, _PRIME, _MASK = 2166136261, 16777619, 0xFFFFFFFF


@dataclass(frozen=True)
class Subwords:
    """Vectors of n-grams (Bojanowski et al. 2017, section 3.2).

    Attributes:
        shortest, longest: characters of an n-gram, of a word with `<` before and `>` behind it.
        buckets: into so many buckets n-grams are hashed.
        buckets_G: the buckets that the words of training have, ascending.
        vectors_GD: their vectors, float32.
    """

    shortest: int
    longest: int
    buckets: int
    buckets_G: NDArray[np.int64]
    vectors_GD: NDArray[np.float32]

    def vector(self, word: str) -> NDArray[np.float32] | None:
        """Return the mean of the vectors of a word's n-grams [D], or None where no n-gram came up in training."""
        asked = np.array(ngram_buckets(word, self.shortest, self.longest, self.buckets), dtype=np.int64)
        rows = np.minimum(np.searchsorted(self.buckets_G, asked), len(self.buckets_G) - 1)
        rows = rows[self.buckets_G[rows] == asked] if len(self.buckets_G) else rows[:0]
        return self.vectors_GD[rows].mean(axis=0) if len(rows) else None


def ngram_buckets(word: str, shortest: int, longest: int, buckets: int) -> list[int]:
    """Return the bucket of every n-gram of a word, one for each place where it stands."""
    marked = f"<{word}>"
    cuts = [
        marked[start : start + size]
        for start in range(len(marked))
        for size in range(shortest, min(longest, len(marked) - start) + 1)
        if size > 1 or 0 < start < len(marked) - 1  # a mark alone is no n-gram
    ]
    return [_hash(cut) % buckets for cut in cuts]


def _hash(text: str) -> int:
    """Return the FNV-1a hash of UTF-8 bytes; bytes above 127 count as negative ones, as FastText's C++ has them."""
    value = _OFFSET
    for byte in text.encode("utf-8", "surrogatepass"):
        value = ((value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * _PRIME) & _MASK
    return value
