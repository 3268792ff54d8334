"""Whether methods of several seeds differ by more than chance. Knows nothing about what the methods are.

Rows and seeds are drawn again as for intervals (`interval/rows_and_seeds`), the same rows for both methods. SciPy's
bootstrap knows no seeds, and looks at every row of every resample.

Shapes: N rows, S seeds of a method, R seeds of another, K sums of a metric, B resamples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.interval.interval import Interval, percentile_interval
from trimtab.evaluation.interval.rows_and_seeds import (
    FEWER_RESAMPLES,
    RESAMPLES_OF_GROUPS,
    Bools,
    means_of_rows,
    r_squared_of_rows_and_seeds,
    seeds_of_means,
    sums_of_rows_and_seeds,
)


def paired_bootstrap(
    correct_a_SN: Bools, correct_b_RN: Bools, seed: int, *, resamples: int = RESAMPLES_OF_GROUPS
) -> tuple[Interval, float]:
    """Compare the mean accuracies over seeds of two methods on the same rows.

    A resample of the difference a - b is the sum of two independent parts:

    * rows: N rows drawn with replacement, the same for both methods and all seeds (Efron 1979). As a row counts by how
      many seeds of each method are right on it, rows alike are drawn together;
    * seeds: what drawn seeds of each method add (see `interval.bootstrap.drawn_seeds`).

    Without a difference, p falls below 0.05 in 4 to 5% of simulated cases where seeds differ in rows alone (1 or 3
    seeds, 400 rows). Where they differ in accuracy too, few seeds say too little of how far the next may lie: at a
    standard deviation of 1.5 to 2 points between seeds (1,000 rows) it is 7% with five seeds of each, 8% with three
    and 10% with two. Where only one of the methods has several seeds, the other's luck with its one is not seen (15%).

    Args:
        correct_a_SN: whether each seed of method a is right on each row.
        correct_b_RN: the same rows for method b.
        seed: seed of the resamples.
        resamples: B.

    Returns:
        The 95% percentile interval of the difference, and a two-sided p-value: twice the smaller of the shares of
        resamples at or below 0, and at or above 0, each (1 + count) / (1 + B), at most 1.
    """
    assert correct_a_SN.shape[1] == correct_b_RN.shape[1], (correct_a_SN.shape, correct_b_RN.shape)
    seeds_a, seeds_b = len(correct_a_SN), len(correct_b_RN)
    points_N = seeds_b * correct_a_SN.sum(axis=0) - seeds_a * correct_b_RN.sum(axis=0)
    random = np.random.default_rng(seed)
    return _compared(
        means_of_rows(points_N, seeds_a * seeds_b, resamples, random)
        + seeds_of_means(correct_a_SN, resamples, random)
        - seeds_of_means(correct_b_RN, resamples, random)
    )


def paired_r_squared(
    errors_a_SN: Floats, errors_b_RN: Floats, right_N: Floats, seed: int, *, resamples: int = FEWER_RESAMPLES
) -> tuple[Interval, float]:
    """Compare the mean shares of the variance that two methods explain, as `paired_bootstrap` compares accuracies.

    Args:
        errors_a_SN: squared error of each seed of method a on each row.
        errors_b_RN: the same rows for method b.
        right_N: the right numbers, not all the same.
        seed: seed of the resamples.
        resamples: B.

    Returns:
        The 95% percentile interval of the difference a - b, and a two-sided p-value.
    """
    random = np.random.default_rng(seed)
    a_B, b_B = r_squared_of_rows_and_seeds([errors_a_SN, errors_b_RN], right_N, resamples, random)
    return _compared(a_B - b_B)


def paired_sums(
    a_SNK: Floats, b_RNK: Floats, of_sums: Callable[[Floats], Floats], seed: int, *, resamples: int = FEWER_RESAMPLES
) -> tuple[Interval, float]:
    """Compare the means over seeds of a metric made of sums, as `paired_bootstrap` compares accuracies.

    Args:
        a_SNK: what each row of each seed of method a adds to the sums.
        b_RNK: the same rows for method b.
        of_sums: sums of shape (..., K) -> values of shape (...).
        seed: seed of the resamples.
        resamples: B.

    Returns:
        The 95% percentile interval of the difference a - b, and a two-sided p-value.
    """
    a_B, b_B = sums_of_rows_and_seeds([a_SNK, b_RNK], of_sums, seed, resamples)
    return _compared(a_B - b_B)


def _compared(differences_B: Floats) -> tuple[Interval, float]:
    fewer = min(np.sum(differences_B <= 0), np.sum(differences_B >= 0))
    return percentile_interval(differences_B), min(1.0, 2 * (1 + int(fewer)) / (1 + len(differences_B)))
