"""How far each row is from known rows: by words, by hidden states. Knows nothing about what the figures are for.

N rows, K known rows, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.text.words import Language, joined_fields, words

# Characters of a row that are read: a long row tells as much by its beginning.
MOST_CHARACTERS = 2_000


def unknown_words(known: Sequence[Example], rows: Sequence[Example], language: Language) -> Floats:
    """Return the share of the words of each row that no known row has, shape (N,); 0 of a row without words."""
    vocabulary = {word for example in known for word in _words(example, language)}
    said = [_words(example, language) for example in rows]
    return np.array([float(np.mean([word not in vocabulary for word in own])) if own else 0.0 for own in said])


def nearest_distance(known_KD: NDArray[np.float32], rows_ND: NDArray[np.float32]) -> Floats:
    """Return the cosine distance of each row's hidden state to the nearest of known rows, shape (N,).

    Each dimension is standardised by the known rows: in language models a few dimensions would decide alone (Timkey and
    van Schijndel 2021, section 5).
    """
    mean_D, sd_D = known_KD.mean(axis=0), known_KD.std(axis=0)
    sd_D = np.where(sd_D > 0, sd_D, 1)
    distances_NK = 1 - _directions((rows_ND - mean_D) / sd_D) @ _directions((known_KD - mean_D) / sd_D).T
    nearest_N: Floats = distances_NK.min(axis=1)
    return nearest_N


def _words(example: Example, language: Language) -> list[str]:
    return words(joined_fields(example)[:MOST_CHARACTERS], language)


def _directions(states_ND: NDArray[np.floating]) -> Floats:
    lengths_N1 = np.linalg.norm(states_ND, axis=1, keepdims=True)
    directions: Floats = np.asarray(states_ND, dtype=np.float64) / np.where(lengths_N1 > 0, lengths_N1, 1)
    return directions
