"""A stream of documents as sentences that begin with `<s>`, and n-grams found in tables. Knows no probabilities.

X tokens with the beginnings, V words with `<s>`, which is the last one, N n-grams of one order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def sentences(ids_T: NDArray[np.integer], end: int, begin: int) -> tuple[Ints, Ints]:
    """Tokens with `<s>` before each document, and of each how many there are from it to the end of its document.

    Args:
        ids_T: documents, each with its end behind it.
        end, begin: ids of `</s>` and `<s>`.
    """
    ends = np.flatnonzero(ids_T == end)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else np.zeros(0, np.int64)
    x_X = np.insert(ids_T.astype(np.int64), starts, begin)
    places = np.flatnonzero(x_X == end)
    left_X = np.repeat(places, np.diff(places, prepend=-1)) - np.arange(len(x_X)) + 1
    return x_X, left_X


def find(keys_N: Ints, wanted: Ints) -> Ints:
    """Where each key stands among sorted ones; -1 where it does not."""
    places = np.searchsorted(keys_N, wanted)
    places[places == len(keys_N)] = 0
    return np.where(keys_N[places] == wanted, places, -1) if len(keys_N) else np.full(len(wanted), -1)
