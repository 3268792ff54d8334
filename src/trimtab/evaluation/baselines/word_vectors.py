"""Vectors of words, and the mean of a text's. Knows nothing about what is made of them.

Shapes: V words, D numbers of a word vector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.text.subwords import Subwords
from trimtab.evaluation.text.words import Language, are_chinese, cjk_share, joined_fields, words

# Chinese texts are read where so large a share of the letters of the first words, mostly the commonest, is Chinese.
_LOOKED_AT, _SOME_CHINESE = 10_000, 0.02


@dataclass(frozen=True)
class KeyedVectors:
    """Word vectors; gensim's `KeyedVectors` have the same two first attributes and will do in their place.

    Attributes:
        key_to_index: word -> its row in `vectors`.
        vectors: float32 of shape (V, D).
        subwords: vectors of n-grams, by which other words have one too; None where only known words do.
    """

    key_to_index: Mapping[str, int]
    vectors: NDArray[np.float32]
    subwords: Subwords | None = None


def read_word_vectors(folder: Path) -> KeyedVectors:
    """Return the vectors in a folder of `find_word_vectors`; they are mapped into memory, not read."""
    import pyarrow.parquet

    known = pyarrow.parquet.read_table(folder / "words.parquet").column(0).to_pylist()
    vectors_VD = np.load(folder / "vectors.npy", mmap_mode="r")
    return KeyedVectors({word: v for v, word in enumerate(known)}, vectors_VD)


def vector_of(word: str, vectors: KeyedVectors) -> NDArray[np.float32] | None:
    """Return the vector of a word, shape (D,), by its n-grams where it is not known; None where it has none."""
    if (row := vectors.key_to_index.get(word)) is not None:
        known_D: NDArray[np.float32] = vectors.vectors[row]
        return known_D
    subwords: Subwords | None = getattr(vectors, "subwords", None)
    return subwords.vector(word) if subwords else None


def mean_vector(text: str, vectors: KeyedVectors, language: Language = "en") -> NDArray[np.float32] | None:
    """Return the mean of the vectors of a text's words, shape (D,), or None where no word has one."""
    found = [vector for word in words(text, language) if (vector := vector_of(word, vectors)) is not None]
    return np.stack(found).mean(axis=0) if found else None


def language_of(vectors: KeyedVectors) -> Language:
    """Return how texts are cut into words that may have a vector: `en` where no Chinese words are among them."""
    first = list(islice(vectors.key_to_index, _LOOKED_AT))
    return "auto" if cjk_share(first) >= _SOME_CHINESE else "en"


def refuse_chinese(train: Sequence[Example], language: Language, vectors: KeyedVectors, instead: str) -> None:
    """Raise TrimtabError where the training texts are Chinese and the vectors are not, with what serves instead."""
    if language_of(vectors) == "en" and are_chinese([joined_fields(example) for example in train], language):
        raise TrimtabError(
            "The word vectors are of English words, and the training texts are Chinese.",
            f"Leave this way out; {instead}.",
        )
