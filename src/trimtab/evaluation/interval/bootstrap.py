"""The bootstrap: a statistic over rows drawn again, and what seeds drawn again add. Knows nothing about metrics.

Every interval of a report or a comparison comes from `resample` (Efron 1979). Its callers pass in how rows are drawn:

* labels (`scores/label_intervals`), tags, texts and whatever else is made of sums (`row_sums`): `row_counts`, as it is
  enough to know how often each row is drawn;
* numbers (`scores/numbers`): `row_places`, as ranks are made of the rows themselves;
* accuracies in comparisons (`rows_and_seeds`): `group_counts` of rows that equally many seeds answer rightly, which are
  drawn together;
* R squared in comparisons (`rows_and_seeds`): `group_counts` of groups of one row each.

Where a way was trained with several seeds, `rows_and_seeds` adds `drawn_seeds` to that.

N rows, G groups of rows alike, S seeds, B resamples, b resamples drawn at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
# Numbers drawn at once, so that memory stays small.
MOST_DRAWN = 1_000_000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# (random numbers, b) -> b draws, of shape (b, ...)
Draw = Callable[[np.random.Generator, int], Ints]


def resample(
    draw: Draw,
    statistic: Callable[[Ints], Floats],
    random: np.random.Generator,
    *,
    resamples: int = RESAMPLES,
    at_once: int,
) -> Floats:
    """Return what a statistic comes to in each of B resamples, shape (B, ...).

    Args:
        draw: how rows are drawn, one of the functions below.
        statistic: what `draw` returns -> a value or more for each of the b draws, shape (b, ...).
        random: what is drawn from.
        resamples: B.
        at_once: the most resamples drawn at once, see `draws_at_once`. But for rounding the values do not depend on it.
    """
    sizes = [min(at_once, resamples - done) for done in range(0, resamples, at_once)]
    return np.concatenate([statistic(draw(random, size)) for size in sizes])


def draws_at_once(numbers: int, most: int = MOST_DRAWN) -> int:
    """Return how many draws of so many numbers each are `most` numbers at most; one at least."""
    return max(1, most // max(1, numbers))


def row_places(rows: int) -> Draw:
    """Draw N of N rows with replacement: the place of each row drawn, shape (b, N)."""
    return lambda random, size: random.integers(rows, size=(size, rows))


def row_counts(rows: int) -> Draw:
    """Draw N of N rows with replacement: how often each row is drawn, shape (b, N)."""
    places = row_places(rows)
    return lambda random, size: counts_by_draw(places(random, size), rows, size)


def group_counts(rows_G: NDArray[np.integer[Any]]) -> Draw:
    """Draw as many rows as there are, those of a group being alike: how often each group is drawn, shape (b, G).

    It is the same as drawing rows (their counts are multinomial), but quick where rows are alike.

    Args:
        rows_G: how many rows each group has.
    """
    rows = int(rows_G.sum())
    return lambda random, size: random.multinomial(rows, rows_G / rows, size=size)


def drawn_seeds(scores_S: Floats, of_rows: float, resamples: int, random: np.random.Generator) -> Floats:
    """Return what seeds drawn again add to the mean score over seeds, shape (B,); 0 for a single seed.

    S - 1 of the S seeds are drawn with replacement, so that the variance is unbiased, and the mean of their (score -
    mean score) is added. Scores of seeds also differ because each errs on other rows; that is in the draws of rows
    already, so the deviations are shrunk by the square root of the share of their variance that it does not explain
    (two-way analysis of variance; Davison and Hinkley 1997, section 3.8).

    Args:
        scores_S: one score a seed.
        of_rows: what of the variance between them is explained by each erring on other rows.
        resamples: B.
        random: what is drawn from.
    """
    seeds = len(scores_S)
    deviations_S = scores_S - scores_S.mean()
    variance = float(np.sum(deviations_S**2)) / max(seeds - 1, 1)
    if variance == 0:  # a single seed, or all alike
        return np.zeros(resamples)
    deviations_S = deviations_S * math.sqrt(max(0.0, 1 - of_rows / variance))
    means_B: Floats = deviations_S[random.integers(seeds, size=(resamples, seeds - 1))].mean(axis=1)
    return means_B


def counts_by_draw(kinds: Ints, count: int, draws: int, weights_BN: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return how often each kind of row occurs, or the sum of its weights, in each draw, shape (b, count).

    Args:
        kinds: the kind of each row, shape (N,), or (b, N) where draws differ; from 0 to count - 1.
        count: how many kinds there are.
        draws: b.
        weights_BN: the weight of each row in each draw, shape (b, N); 1 by default.
    """
    apart_BN = kinds + count * np.arange(draws)[:, None]
    weights = None if weights_BN is None else weights_BN.ravel()
    return np.bincount(apart_BN.ravel(), weights, draws * count).reshape(draws, count)
