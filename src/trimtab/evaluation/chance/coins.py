"""Coins thrown for every row: what is chance if two methods are equally good. Knows nothing about methods."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trimtab.evaluation.interval.bootstrap import Floats, draws_at_once

THROWS = 9_999


def coins(rows: int, throws: int, seed: int) -> Iterator[Floats]:
    """Yield a coin a row, 0 or 1, for parts of the throws, shape (b, N)."""
    random = np.random.default_rng(seed)
    at_once = draws_at_once(rows)
    for done in range(0, throws, at_once):
        size = (min(at_once, throws - done), rows)
        yield random.integers(0, 2, size=size, dtype=np.int8).astype(np.float64)


def p_value_of(extreme: int, throws: int) -> float:
    """Return the p-value where so many of the throws are at least as extreme as what was seen, itself among them."""
    return (extreme + 1) / (throws + 1)
