"""Vectors of English words, and the mean of a text's. Knows nothing about what is made of them.

Shapes: V words, D numbers of a word vector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.text.words import Language, are_chinese, joined_fields, words


@dataclass(frozen=True)
class KeyedVectors:
    """Word vectors; gensim's `KeyedVectors` have the same two attributes and will do in their place.

    Attributes:
        key_to_index: word -> its row in `vectors`.
        vectors: float32 of shape (V, D).
    """

    key_to_index: Mapping[str, int]
    vectors: NDArray[np.float32]


def read_word_vectors(folder: Path) -> KeyedVectors:
    """Return the vectors in a folder of `find_word_vectors`; they are mapped into memory, not read."""
    import pyarrow.parquet

    known = pyarrow.parquet.read_table(folder / "words.parquet").column(0).to_pylist()
    vectors_VD = np.load(folder / "vectors.npy", mmap_mode="r")
    return KeyedVectors({word: v for v, word in enumerate(known)}, vectors_VD)


def mean_vector(text: str, vectors: KeyedVectors) -> NDArray[np.float32] | None:
    """Return the mean of the vectors of a text's words, shape (D,), or None where no word has one."""
    known = [vectors.key_to_index[word] for word in words(text, "en") if word in vectors.key_to_index]
    return vectors.vectors[known].mean(axis=0) if known else None


def refuse_chinese(train: Sequence[Example], language: Language, instead: str) -> None:
    """Raise TrimtabError where the training texts are Chinese, with what serves instead."""
    if are_chinese([joined_fields(example) for example in train], language):
        raise TrimtabError(
            "The word vectors are of English words, and the training texts are Chinese.",
            f"Leave this way out; {instead}.",
        )
