"""Interpolated modified Kneser-Ney estimates (Chen and Goodman 1999, section 3; Kneser and Ney 1995), by sorting.

    p(w | h) = max(a(hw) - D(a(hw)), 0) / sum_v a(hv)  +  gamma(h) p(w | h'),    h' = h without its first word
    gamma(h) = sum_v D(a(hv)) / sum_v a(hv)
    a(g)     = how often g stands there, where g is of the highest order or begins with <s>; else how many different
               words stand before it
    D(0) = 0, D(k) = k - (k + 1) Y n_(k+1) / n_k for k = 1, 2, and so with k = 3 for all from 3 on
    Y    = n_1 / (n_1 + 2 n_2)

where n_k of the n-grams of an order have a = k. The lowest order is interpolated with one word among all. Knows nothing
about files.

V words with `<s>`, which is the last one, X tokens with the beginnings, N n-grams of one order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trimtab.pretraining.ngram.sentences import Ints, sentences

Floats = NDArray[np.float64]
# Discounts of an order whose n-grams are too few to tell them from, as KenLM's `--discount_fallback` has them.
FALLBACK = (0.5, 1.0, 1.5)


@dataclass(frozen=True)
class Level:
    """The n-grams of one order.

    Attributes:
        keys_N: of each, sorted, the place of its first words in the level below times V, plus its last word; of single
            words the word.
        logs_N: ln p(last word | the words before).
        backoffs_N: ln gamma of each as a context; 0 where nothing was seen behind it.
    """

    keys_N: Ints
    logs_N: Floats
    backoffs_N: Floats


@dataclass(frozen=True)
class _Counts:
    """What was counted of one order; `suffixes_N`: places, a level below, of the n-grams without their first word."""

    keys_N: Ints
    seen_N: Ints
    suffixes_N: Ints
    begins_N: NDArray[np.bool_]


def estimate(ids_T: NDArray[np.integer], *, end: int, words: int, order: int) -> list[Level]:
    """The levels of a model, that of single words first.

    Args:
        ids_T: documents, each with `end` behind it; what spans two of them is not counted.
        end: id of `</s>`, which is foretold as any word.
        words: how many words there are, `</s>` and `<unk>` among them; each has a probability. `<s>` gets the next id.
        order: of the longest n-grams.
    """
    size = words + 1
    counts = _count(ids_T, end, words, order)
    below = np.full(size, 1 / words)
    adjusted = [_adjusted(own, counts[n + 1] if n + 1 < len(counts) else None) for n, own in enumerate(counts)]
    levels: list[tuple[Ints, Floats]] = []
    gammas: list[Floats] = []
    for own, a_N in zip(counts, adjusted, strict=True):
        single = not levels
        if single:
            a_N[words] = 0
        prefixes_N = np.zeros(len(a_N), np.int64) if single else own.keys_N // size
        contexts = 1 if single else len(levels[-1][0])
        d_N = np.array([0.0, *discounts(a_N)])[np.minimum(a_N, 3)]
        totals = np.bincount(prefixes_N, a_N, contexts)
        gamma = np.divide(np.bincount(prefixes_N, d_N, contexts), totals, out=np.ones(contexts), where=totals > 0)
        lower_N = below if single else below[own.suffixes_N]
        below = (a_N - d_N) / np.maximum(totals, 1)[prefixes_N] + gamma[prefixes_N] * lower_N
        if single:
            below[words] = 0
        else:
            gammas.append(gamma)
        levels.append((own.keys_N, below))
    gammas.append(np.ones(len(levels[-1][0])))
    with np.errstate(divide="ignore"):
        return [Level(keys, np.log(p), np.log(gamma)) for (keys, p), gamma in zip(levels, gammas, strict=True)]


def discounts(a_N: Ints) -> tuple[float, float, float]:
    """D(1), D(2) and D(3) of an order whose n-grams have the counts `a_N`; `FALLBACK` where they do not tell them."""
    n1, n2, n3, n4 = (int((a_N == k).sum()) for k in (1, 2, 3, 4))
    if not n1 or not n2 or not n3:
        return FALLBACK
    y = n1 / (n1 + 2 * n2)
    found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    return found if all(0 <= d <= k for k, d in enumerate(found, 1)) else FALLBACK


def _count(ids_T: NDArray[np.integer], end: int, words: int, order: int) -> list[_Counts]:
    """Counts of every order; an n-gram is told by the place of its first words in the order below, and its last."""
    size = words + 1
    x_X, left_X = sentences(ids_T, end, words)
    every = np.arange(size)
    found = [_Counts(every, np.bincount(x_X, minlength=size), np.zeros(0, np.int64), every == words)]
    places_X = x_X
    for n in range(2, order + 1):
        starts = np.flatnonzero(left_X >= n)
        keys = places_X[starts] * size + x_X[starts + n - 1]
        ranked = np.argsort(keys, kind="stable")
        keys = keys[ranked]
        new = np.diff(keys, prepend=-1) != 0
        first = starts[ranked[new]]
        seen = np.diff(np.append(np.flatnonzero(new), len(keys)))
        found.append(_Counts(keys[new], seen, places_X[first + 1], x_X[first] == words))
        places_X = np.full(len(x_X), -1)
        places_X[starts[ranked]] = np.cumsum(new) - 1
    return found


def _adjusted(own: _Counts, above: _Counts | None) -> Ints:
    """a(g) of the n-grams of an order, `above` being those one longer."""
    if above is None:
        return own.seen_N.copy()
    before = np.bincount(above.suffixes_N, minlength=len(own.keys_N))
    return np.where(own.begins_N, own.seen_N, before)
