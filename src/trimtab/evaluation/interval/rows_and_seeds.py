"""Intervals of the scores of ways of several seeds, over rows and seeds. Knows nothing about ways or tests.

A resample of a score is the sum of two independent parts: the mean over seeds on rows drawn again, the same rows for
all seeds, and what seeds drawn again add (see `bootstrap.drawn_seeds`). A single seed adds nothing: the interval is
then that of this very run.

Shapes: N rows, S seeds, K sums of a metric, B resamples, M methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.interval.bootstrap import (
    RESAMPLES,
    Floats,
    Ints,
    drawn_seeds,
    draws_at_once,
    group_counts,
    resample,
)
from trimtab.evaluation.interval.interval import Interval, percentile_interval
from trimtab.evaluation.interval.row_sums import RowSums, resampled

# Where rows are drawn in groups of rows alike.
RESAMPLES_OF_GROUPS = 10_000
# Where no two rows are alike, so that each is drawn by itself.
FEWER_RESAMPLES = 2000

Bools = NDArray[np.bool_]


def accuracy_interval(correct_SN: Bools, seed: int, *, resamples: int = RESAMPLES_OF_GROUPS) -> Interval:
    """Return the 95% interval of the mean accuracy over seeds.

    Args:
        correct_SN: whether each seed is right on each row.
        seed: seed of the resamples.
        resamples: B.
    """
    random = np.random.default_rng(seed)
    rows_B = means_of_rows(correct_SN.sum(axis=0), len(correct_SN), resamples, random)
    found = percentile_interval(rows_B + seeds_of_means(correct_SN, resamples, random))
    return Interval(max(found.low, 0.0), min(found.high, 1.0))


def r_squared_interval(errors_SN: Floats, right_N: Floats, seed: int, *, resamples: int = FEWER_RESAMPLES) -> Interval:
    """Return the 95% interval of the mean share of the variance explained over seeds.

    Args:
        errors_SN: squared error of each seed on each row.
        right_N: the right numbers, not all the same.
        seed: seed of the resamples.
        resamples: B.
    """
    random = np.random.default_rng(seed)
    [values_B] = r_squared_of_rows_and_seeds([errors_SN], right_N, resamples, random)
    found = percentile_interval(values_B)
    return Interval(found.low, min(found.high, 1.0))


def sums_interval(sums_SNK: Floats, of_sums: Callable[[Floats], Floats], seed: int) -> Interval:
    """Return the 95% interval of the mean over seeds of a metric made of sums.

    Args:
        sums_SNK: what each row of each seed adds to the sums.
        of_sums: sums of shape (..., K) -> values of shape (...).
        seed: seed of the resamples.
    """
    [values_B] = sums_of_rows_and_seeds([sums_SNK], of_sums, seed, RESAMPLES)
    return percentile_interval(values_B)


def means_of_rows(points_N: Ints, scale: int, resamples: int, random: np.random.Generator) -> Floats:
    """Return the means of points / scale over draws of N rows, those of equal points drawn together, shape (B,)."""
    points_G, rows_G = np.unique(points_N, return_counts=True)

    def means(counts_BG: Ints) -> Floats:
        means_B: Floats = counts_BG @ points_G / (len(points_N) * scale)
        return means_B

    return resample(group_counts(rows_G), means, random, resamples=resamples, at_once=draws_at_once(len(rows_G)))


def seeds_of_means(values_SN: Bools | Floats, resamples: int, random: np.random.Generator) -> Floats:
    """Return what drawn seeds add to the mean over seeds of scores that are means over rows, shape (B,)."""
    seeds, rows = values_SN.shape
    scores_S = values_SN.mean(axis=1)
    rests_SN = values_SN - values_SN.mean(axis=0) - (scores_S - scores_S.mean())[:, None]
    of_rows = float(np.sum(rests_SN**2)) / (max(seeds - 1, 1) * max(rows - 1, 1)) / rows
    return drawn_seeds(scores_S, of_rows, resamples, random)


def r_squared_of_rows_and_seeds(
    errors: Sequence[Floats], right_N: Floats, resamples: int, random: np.random.Generator
) -> list[Floats]:
    """Return resamples of the mean R squared of each method, the same rows drawn for all, each of shape (B,).

    Draws of rows whose numbers are all the same have no variance to explain, and are left out.

    Args:
        errors: squared error of each seed of each method on each row, shapes (S, N).
        right_N: the right numbers, not all the same.
        resamples: B.
        random: what is drawn from.
    """
    rows = len(right_N)
    centred_N = right_N - right_N.mean()
    per_row_NM = np.stack([centred_N, centred_N**2, *(errors_SN.mean(axis=0) for errors_SN in errors)], axis=1)
    alone = group_counts(np.ones(rows, dtype=np.int64))
    means_BM = resample(
        alone, lambda drawn_BN: drawn_BN @ per_row_NM / rows, random, resamples=resamples, at_once=draws_at_once(rows)
    )
    variance_B = means_BM[:, 1] - means_BM[:, 0] ** 2
    kept_B = variance_B > 1e-12 * right_N.var()
    return [
        1 - means_BM[kept_B, 2 + m] / variance_B[kept_B]
        + seeds_of_means(1 - errors_SN / right_N.var(), resamples, random)[: kept_B.sum()]
        for m, errors_SN in enumerate(errors)
    ]  # fmt: skip


def sums_of_rows_and_seeds(
    sums: Sequence[Floats], of_sums: Callable[[Floats], Floats], seed: int, resamples: int
) -> list[Floats]:
    """Return resamples of the mean of each method's metric, the same rows drawn for all, each of shape (B,).

    Args:
        sums: what each row of each seed of each method adds to the sums, shapes (S, N, K).
        of_sums: sums of shape (..., K) -> values of shape (...).
        seed: seed of the resamples.
        resamples: B.
    """
    figures = [RowSums(rows_NK, of_sums) for sums_SNK in sums for rows_NK in sums_SNK]
    values = iter(resampled(figures, seed=seed, resamples=resamples))
    random = np.random.default_rng(seed)
    out = []
    for sums_SNK in sums:
        values_SB = np.stack([next(values) for _ in sums_SNK])
        means_B: Floats = values_SB.mean(axis=0)
        of_rows = float((values_SB - means_B).var(axis=1).sum()) / max(len(values_SB) - 1, 1)
        out.append(means_B + drawn_seeds(of_sums(sums_SNK.sum(axis=1)), of_rows, resamples, random))
    return out
