"""Figures that are functions of sums over rows, and their bootstrap. Knows nothing about what the sums are.

Nearly every metric is a function of a few sums over rows, so that a resample of the rows, or an exchange of answers
between two systems, is a matrix product and no text is looked at again (Koehn 2004; Riezler & Maxwell 2005).

N rows, S sums, B resamples, M figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.evaluation.interval.bootstrap import RESAMPLES, Floats, Ints, draws_at_once, resample, row_counts
from trimtab.evaluation.interval.groups import Groups, each_alone
from trimtab.evaluation.interval.interval import Interval, percentile_interval


@dataclass(frozen=True)
class RowSums:
    """A figure of N rows that is a function of sums over them.

    Attributes:
        rows_NS: what each row adds to the S sums.
        of_sums: sums of shape (..., S) -> figures of shape (...).
    """

    rows_NS: Floats
    of_sums: Callable[[Floats], Floats]

    @property
    def value(self) -> float:
        """The figure over all rows."""
        return float(self.of_sums(self.rows_NS.sum(axis=0)))

    @property
    def moves_N(self) -> Floats:
        """By how much each row moves the figure, times N: the jackknife's influence values (Tukey 1958), centred."""
        rows, total_S = len(self.rows_NS), self.rows_NS.sum(axis=0)
        without_N = self.of_sums(total_S - self.rows_NS) if rows > 1 else np.array([self.value])
        moves_N: Floats = (rows - 1) * (without_N.mean() - without_N)
        return moves_N


def resampled(
    figures: Sequence[RowSums], groups: Groups | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> Floats:
    """Return what figures of the same N rows come to in B draws of rows, the same draws for all, shape (M, B).

    Args:
        figures: the figures.
        groups: which rows are drawn together; each is drawn alone by default.
        seed: seed of the draws.
        resamples: B.
    """
    if not figures:
        return np.empty((0, resamples))
    rows = len(figures[0].rows_NS)
    group_N = (groups or each_alone(rows)).of_N

    def values(counts_BN: Ints) -> Floats:
        drawn_BN = counts_BN.astype(np.float64)
        return np.stack([figure.of_sums(drawn_BN @ figure.rows_NS) for figure in figures], axis=-1)

    random = np.random.default_rng(seed)
    return resample(row_counts(group_N), values, random, resamples=resamples, at_once=draws_at_once(rows)).T


def intervals(
    figures: Sequence[RowSums], groups: Groups | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> list[Interval]:
    """Return the 95% interval of each figure, all from the same resamples. One row has intervals of no width."""
    return [percentile_interval(values_B) for values_B in resampled(figures, groups, seed=seed, resamples=resamples)]


def difference_intervals(
    pairs: Sequence[tuple[RowSums, RowSums]],
    groups: Groups | None = None,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> list[Interval]:
    """Return the 95% interval of each difference a - b, the same rows drawn for both (paired bootstrap; Koehn 2004)."""
    values = resampled([figure for pair in pairs for figure in pair], groups, seed=seed, resamples=resamples)
    return [percentile_interval(a_B - b_B) for a_B, b_B in zip(values[::2], values[1::2], strict=True)]
