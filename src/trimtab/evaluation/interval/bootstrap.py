"""The bootstrap: a statistic over rows drawn again, and what seeds drawn again add. Knows nothing about metrics.

Every interval of a report or a comparison comes from `resample` (Efron 1979). Its callers pass in how rows are drawn:

* labels (`scores/label_intervals`), texts and whatever else is made of sums (`row_sums`), R squared (`rows_and_seeds`):
  `row_counts`, as it is enough to know how often each row is drawn;
* numbers (`scores/numbers`): `row_places`, as ranks are made of the rows themselves.

Rows that belong together are drawn together (cluster bootstrap; Davison and Hinkley 1997, section 3.8). Shares have
intervals of their own (`shares`). Where a way was trained with several seeds, `rows_and_seeds` adds `drawn_seeds`.

N rows, G groups of rows that belong together, S seeds, B resamples, b resamples drawn at once.
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


def row_places(groups: int) -> Draw:
    """Draw G of G groups with replacement: the place of each group drawn, shape (b, G)."""
    return lambda random, size: random.integers(groups, size=(size, groups))


def row_counts(group_N: Ints) -> Draw:
    """Draw G of G groups with replacement: how often each row is drawn, shape (b, N).

    Args:
        group_N: the group of each row, from 0 to G - 1; its own number where each row stands alone.
    """
    groups = int(group_N.max(initial=-1)) + 1
    places = row_places(groups)
    return lambda random, size: counts_by_draw(places(random, size), groups, size)[:, group_N]


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
