"""Intervals of the scores of ways of several seeds, over rows and seeds. Knows nothing about ways or tests.

Shares have Wilson's (`shares`). All else is drawn again: a resample of a score is the sum of two independent parts, the
mean over seeds on rows drawn again, the same rows for all seeds, and what seeds drawn again add (see
`bootstrap.drawn_seeds`). A single seed adds nothing: the interval is then that of this very run.

Shapes: N rows, S seeds, K sums of a metric, B resamples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trimtab.evaluation.interval.bootstrap import (
    RESAMPLES,
    Floats,
    drawn_seeds,
    draws_at_once,
    resample,
    row_counts,
)
from trimtab.evaluation.interval.groups import Groups, each_alone
from trimtab.evaluation.interval.interval import Interval, percentile_interval
from trimtab.evaluation.interval.row_sums import RowSums, resampled
from trimtab.evaluation.interval.shares import variance_of_seeds

# Where no sums of few numbers are drawn.
R_SQUARED_RESAMPLES = 2000


def r_squared_interval(
    errors_SN: Floats, right_N: Floats, groups: Groups | None, seed: int, *, resamples: int = R_SQUARED_RESAMPLES
) -> Interval:
    """Return the 95% interval of the mean share of the variance explained over seeds.

    Draws of rows whose numbers are all the same have no variance to explain, and are left out.

    Args:
        errors_SN: squared error of each seed on each row.
        right_N: the right numbers, not all the same.
        groups: which rows are drawn together; each is drawn alone by default.
        seed: seed of the resamples.
        resamples: B.
    """
    groups = groups or each_alone(len(right_N))
    random = np.random.default_rng(seed)
    centred_N = right_N - right_N.mean()
    per_row_N4 = np.stack([centred_N, centred_N**2, errors_SN.mean(axis=0), np.ones_like(centred_N)], axis=1)
    at_once = draws_at_once(len(right_N))
    draw = row_counts(groups.of_N)
    sums_B4 = resample(draw, lambda drawn_BN: drawn_BN @ per_row_N4, random, resamples=resamples, at_once=at_once)
    means_B3 = sums_B4[:, :3] / sums_B4[:, 3:]
    variance_B = means_B3[:, 1] - means_B3[:, 0] ** 2
    kept_B = variance_B > 1e-12 * right_N.var()
    shares_SN = 1 - errors_SN / right_N.var()
    scores = shares_SN.mean(axis=1)
    of_rows = variance_of_seeds(scores.tolist(), shares_SN - scores[:, None], groups).explained
    of_seeds_B = drawn_seeds(scores, of_rows, resamples, random)
    found = percentile_interval(1 - means_B3[kept_B, 2] / variance_B[kept_B] + of_seeds_B[kept_B])
    return Interval(found.low, min(found.high, 1.0))


def sums_interval(
    sums_SNK: Floats,
    of_sums: Callable[[Floats], Floats],
    groups: Groups | None,
    seed: int,
    *,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the 95% interval of the mean over seeds of a metric made of sums.

    Args:
        sums_SNK: what each row of each seed adds to the sums.
        of_sums: sums of shape (..., K) -> values of shape (...).
        groups: which rows are drawn together; each is drawn alone by default.
        seed: seed of the resamples.
        resamples: B.
    """
    figures = [RowSums(rows_NK, of_sums) for rows_NK in sums_SNK]
    values_SB = resampled(figures, groups, seed=seed, resamples=resamples)
    means_B: Floats = values_SB.mean(axis=0)
    of_rows = float((values_SB - means_B).var(axis=1).sum()) / max(len(values_SB) - 1, 1)
    random = np.random.default_rng(seed)
    return percentile_interval(means_B + drawn_seeds(of_sums(sums_SNK.sum(axis=1)), of_rows, resamples, random))
