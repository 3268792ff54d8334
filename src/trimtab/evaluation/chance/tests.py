"""Whether methods differ by more than chance. Knows nothing about what the methods are.

Shapes: N rows, S seeds of a method, R seeds of another, B resamples, M p-values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.interval.row_sums import Measured, exchange_test, f1_of_sums, resampled
from trimtab.evaluation.scores.labels import Interval

RESAMPLES = 10_000
# Where no two rows are alike, so that each is drawn by itself.
FEWER_RESAMPLES = 2000
FLIPS = 9_999
# The test of methods of several seeds.
SEVERAL_SEEDS = "paired bootstrap"
# Coins thrown at once.
MOST_DRAWN = 1_000_000
_PERCENTILES = (2.5, 97.5)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def paired_test(correct_a: Bools, correct_b: Bools) -> float:
    """Return the two-sided p-value of McNemar's exact test (McNemar 1947; binomial form).

    Only rows on which just one of the two is right count. If the methods were equally good, each of these
    would fall to either side like a fair coin.

    Args:
        correct_a: shape (N,), whether method a is right on each row.
        correct_b: shape (N,), the same rows for method b.
    """
    assert correct_a.shape == correct_b.shape, (correct_a.shape, correct_b.shape)
    only_a = int(np.sum(correct_a & ~correct_b))
    only_b = int(np.sum(correct_b & ~correct_a))
    flips, fewer = only_a + only_b, min(only_a, only_b)
    tail = math.fsum(
        math.exp(math.lgamma(flips + 1) - math.lgamma(k + 1) - math.lgamma(flips - k + 1) - flips * math.log(2))
        for k in range(fewer + 1)
    )
    return min(1.0, 2 * tail)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for their number, in the same order (Holm 1979).

    If every adjusted value below 0.05 is called a difference, the chance of one false call among all M is at most 5%.
    """
    order_M = np.argsort(p_values, kind="stable")
    factors_M = len(p_values) - np.arange(len(p_values))
    adjusted_M = np.empty(len(p_values))
    adjusted_M[order_M] = np.minimum(np.maximum.accumulate(np.asarray(p_values)[order_M] * factors_M), 1)
    return [float(p) for p in adjusted_M]


def paired_bootstrap(
    correct_a_SN: Bools, correct_b_RN: Bools, seed: int, *, resamples: int = RESAMPLES
) -> tuple[Interval, float]:
    """Compare the mean accuracies over seeds of two methods on the same rows.

    A resample of the difference a - b is the sum of two independent parts:

    * rows: N rows drawn with replacement, the same for both methods and all seeds (Efron 1979). As a row counts by how
      many seeds of each method are right on it, rows alike are drawn together (multinomial), which is the same;
    * seeds: for each method, S - 1 of its S seeds drawn with replacement, so that the variance is unbiased, of which
      the mean of (accuracy - mean accuracy) is added. Accuracies of seeds also differ because each errs on other rows;
      that is in the first part already, so the deviations are shrunk by the square root of the share of their variance
      that it does not explain (two-way analysis of variance; Davison and Hinkley 1997, section 3.8). A single seed
      adds nothing: the interval is then that of this very run.

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
    differences_B = (
        _resampled_rows(points_N, seeds_a * seeds_b, resamples, random)
        + _resampled_seeds(correct_a_SN, resamples, random)
        - _resampled_seeds(correct_b_RN, resamples, random)
    )
    return _interval(differences_B), _two_sided(differences_B)


def accuracy_interval(correct_SN: Bools, seed: int, *, resamples: int = RESAMPLES) -> Interval:
    """Return the 95% interval of the mean accuracy over seeds, with rows and seeds resampled as in `paired_bootstrap`.

    Args:
        correct_SN: whether each seed is right on each row.
        seed: seed of the resamples.
        resamples: B.
    """
    random = np.random.default_rng(seed)
    rows_B = _resampled_rows(correct_SN.sum(axis=0), len(correct_SN), resamples, random)
    found = _interval(rows_B + _resampled_seeds(correct_SN, resamples, random))
    return Interval(max(found.low, 0.0), min(found.high, 1.0))


def r_squared_interval(
    errors_SN: Floats, right_N: Floats, seed: int, *, resamples: int = FEWER_RESAMPLES
) -> Interval:  # fmt: skip
    """Return the 95% interval of the mean share of the variance explained over seeds, rows and seeds resampled.

    Args:
        errors_SN: squared error of each seed on each row.
        right_N: the right numbers, not all the same.
        seed: seed of the resamples.
        resamples: B.
    """
    random = np.random.default_rng(seed)
    (rows_B,) = _r_squared_again([errors_SN.mean(axis=0)], right_N, resamples, random)
    found = _interval(rows_B + _resampled_seeds(1 - errors_SN / right_N.var(), resamples, random)[: len(rows_B)])
    return Interval(found.low, min(found.high, 1.0))


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
    a_B, b_B = _r_squared_again([errors_a_SN.mean(axis=0), errors_b_RN.mean(axis=0)], right_N, resamples, random)
    a_B = a_B + _resampled_seeds(1 - errors_a_SN / right_N.var(), resamples, random)[: len(a_B)]
    b_B = b_B + _resampled_seeds(1 - errors_b_RN / right_N.var(), resamples, random)[: len(b_B)]
    return _interval(a_B - b_B), _two_sided(a_B - b_B)


def _r_squared_again(
    errors: Sequence[Floats], right_N: Floats, resamples: int, random: np.random.Generator
) -> list[Floats]:
    """Return R squared of each method's errors (N,) over draws of N rows, the same for all, shape (B,).

    Draws of rows whose numbers are all the same have no variance to explain, and are left out.
    """
    rows = len(right_N)
    centred_N = right_N - right_N.mean()
    per_row_NM = np.stack([centred_N, centred_N**2, *errors], axis=1)
    at_once = max(1, MOST_DRAWN // rows)
    means = []
    for done in range(0, resamples, at_once):
        drawn_BN = random.multinomial(rows, np.full(rows, 1 / rows), size=min(at_once, resamples - done))
        means.append(drawn_BN @ per_row_NM / rows)
    means_BM = np.concatenate(means)
    variance_B = means_BM[:, 1] - means_BM[:, 0] ** 2
    kept = variance_B > 1e-12 * right_N.var()
    return [1 - means_BM[kept, 2 + m] / variance_B[kept] for m in range(len(errors))]


def _resampled_rows(points_N: NDArray[np.int64], scale: int, resamples: int, random: np.random.Generator) -> Floats:
    """Return the means of points / scale over `resamples` draws of N rows, shape (B,)."""
    points_G, rows_G = np.unique(points_N, return_counts=True)
    drawn_BG = random.multinomial(len(points_N), rows_G / len(points_N), size=resamples)
    means_B: Floats = drawn_BG @ points_G / (len(points_N) * scale)
    return means_B


def _resampled_seeds(correct_SN: Bools | Floats, resamples: int, random: np.random.Generator) -> Floats:
    """Return what the seeds drawn add to the mean accuracy, shape (B,)."""
    seeds, rows = correct_SN.shape
    accuracies_S = correct_SN.mean(axis=1)
    rests_SN = correct_SN - correct_SN.mean(axis=0) - (accuracies_S - accuracies_S.mean())[:, None]
    of_rows = float(np.sum(rests_SN**2)) / (max(seeds - 1, 1) * max(rows - 1, 1)) / rows
    return _seeds_drawn(accuracies_S, of_rows, resamples, random)


def _seeds_drawn(scores_S: Floats, of_rows: float, resamples: int, random: np.random.Generator) -> Floats:
    """Return the means of S - 1 of the seeds' deviations, drawn anew each time, shape (B,); see `paired_bootstrap`.

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


def _two_sided(differences_B: Floats) -> float:
    fewer = min(np.sum(differences_B <= 0), np.sum(differences_B >= 0))
    return min(1.0, 2 * (1 + int(fewer)) / (1 + len(differences_B)))


def _interval(values_B: Floats) -> Interval:
    low, high = np.percentile(values_B, _PERCENTILES)
    return Interval(float(low), float(high))


def paired_permutation_test(errors_a: NDArray[np.floating[Any]], errors_b: NDArray[np.floating[Any]]) -> float:
    """Return the two-sided p-value of Fisher's paired permutation test (Fisher 1935, section 21), by seeded draws.

    If the methods were equally good, which of the two made which error would be a coin's throw on each row; the p-value
    is the share of throws whose mean difference is at least that found.

    Args:
        errors_a: shape (N,), what method a's answer costs on each row, such as its squared error.
        errors_b: shape (N,), the same rows for method b.
    """
    assert errors_a.shape == errors_b.shape, (errors_a.shape, errors_b.shape)
    difference_N = errors_a - errors_b
    found = abs(float(difference_N.sum()))
    random = np.random.default_rng(0)
    extreme, rows = 0, len(difference_N)
    at_once = max(1, MOST_DRAWN // rows)
    for done in range(0, FLIPS, at_once):
        signs_MN = random.integers(0, 2, size=(min(at_once, FLIPS - done), rows), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs_MN @ difference_N) >= found * (1 - 1e-9)).sum())
    return (extreme + 1) / (FLIPS + 1)


def paired_f1_test(counts_a_N3: NDArray[np.int64], counts_b_N3: NDArray[np.int64]) -> float:
    """Return the two-sided p-value of the approximate randomisation test for F1 (Yeh 2000), by seeded draws.

    If the methods were equally good, which of the two gave which answer would be a coin's throw on each row; the
    p-value is the share of throws after which the F1s, over all rows, are at least as far apart as those found.

    Args:
        counts_a_N3: of each row, what method a found rightly, what it predicted, and what there is.
        counts_b_N3: the same rows for method b.
    """
    assert counts_a_N3.shape == counts_b_N3.shape, (counts_a_N3.shape, counts_b_N3.shape)
    return paired_sums_test(
        counts_a_N3.astype(np.float64), counts_b_N3.astype(np.float64), partial(f1_of_sums, of_none=0.0)
    )


def paired_sums_test(a_NS: Floats, b_NS: Floats, of_sums: Callable[[Floats], Floats]) -> float:
    """Return the two-sided p-value by approximate randomisation (see `exchange_test`), for any metric made of sums.

    Args:
        a_NS: what each row of method a adds to the sums.
        b_NS: the same rows for method b.
        of_sums: sums of shape (..., S) -> values of shape (...).
    """
    a, b = (Measured("", "", "share", True, "", None, sums_NS, of_sums) for sums_NS in (a_NS, b_NS))
    [p_value] = exchange_test([a], [b], seed=0, exchanges=FLIPS)
    assert p_value is not None
    return p_value


def sums_interval(sums_KNS: Floats, of_sums: Callable[[Floats], Floats], seed: int) -> Interval:
    """Return the 95% interval of the mean over seeds of a metric made of sums, rows and seeds resampled.

    Args:
        sums_KNS: what each row of each of the K seeds adds to the sums.
        of_sums: sums of shape (..., S) -> values of shape (...).
        seed: seed of the resamples.
    """
    values_KB = resampled(sums_KNS, of_sums, seed=seed)
    return _interval(_over_seeds(sums_KNS, values_KB, of_sums, np.random.default_rng(seed)))


def paired_sums(
    a_KNS: Floats, b_LNS: Floats, of_sums: Callable[[Floats], Floats], seed: int, *, resamples: int = FEWER_RESAMPLES
) -> tuple[Interval, float]:
    """Compare the means over seeds of a metric made of sums, as `paired_bootstrap` compares accuracies.

    Args:
        a_KNS: what each row of each of the K seeds of method a adds to the sums.
        b_LNS: the same rows for the L seeds of method b.
        of_sums: sums of shape (..., S) -> values of shape (...).
        seed: seed of the resamples.
        resamples: B.

    Returns:
        The 95% percentile interval of the difference a - b, and a two-sided p-value.
    """
    values = resampled(np.concatenate([a_KNS, b_LNS]), of_sums, seed=seed, resamples=resamples)
    random = np.random.default_rng(seed)
    a_B = _over_seeds(a_KNS, values[: len(a_KNS)], of_sums, random)
    b_B = _over_seeds(b_LNS, values[len(a_KNS) :], of_sums, random)
    return _interval(a_B - b_B), _two_sided(a_B - b_B)


def _over_seeds(
    sums_KNS: Floats, values_KB: Floats, of_sums: Callable[[Floats], Floats], random: np.random.Generator
) -> Floats:
    """Return the mean over seeds in each resample of rows, with what the seeds drawn add to it, shape (B,)."""
    means_B: Floats = values_KB.mean(axis=0)
    of_rows = float((values_KB - means_B).var(axis=1).sum()) / max(len(values_KB) - 1, 1)
    return means_B + _seeds_drawn(of_sums(sums_KNS.sum(axis=1)), of_rows, len(means_B), random)
