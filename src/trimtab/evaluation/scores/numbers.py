"""Scores of predicted numbers against the numbers that are right. Knows nothing about prompts or files.

N rows, B resamples, b resamples drawn at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import NumberExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.interval.bootstrap import Ints, draws_at_once, resample, row_places
from trimtab.evaluation.interval.groups import Groups
from trimtab.evaluation.interval.interval import Interval, percentile_interval
from trimtab.evaluation.scores.gold import groups_among, numbers_of
from trimtab.evaluation.text.shortening import shortened

POINTS = 500
NAMES = ("pearson", "spearman", "rmse", "mae")

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class NumberMistake:
    """A row whose number is far off: its place of origin, its fields (long texts shortened), both numbers."""

    where: str
    fields: dict[str, str]
    answer: float
    predicted: float


@dataclass(frozen=True)
class NumberScores:
    """How well N predicted numbers fit the right ones.

    Attributes:
        rows: N.
        pearson: Pearson's correlation; None where either side is constant.
        spearman: Spearman's correlation (Pearson's of the ranks, ties sharing their mean rank); None likewise.
        rmse: root of the mean squared error, in the numbers' own unit.
        mae: mean absolute error, likewise.
        intervals: 95% percentile bootstrap intervals (Efron 1979) of those that are not None; rows of a group are drawn
            together.
        points: (right, predicted) of the rows, of a seeded sample of 500 where there are more.
        mistakes: the rows furthest off, the worst first.
    """

    rows: int
    pearson: float | None
    spearman: float | None
    rmse: float
    mae: float
    intervals: dict[str, Interval]
    points: list[tuple[float, float]]
    mistakes: list[NumberMistake]


def score_numbers(
    examples: Sequence[NumberExample], predicted_N: Floats, *, seed: int = 0, worst: int = 20
) -> NumberScores:
    """Score predicted numbers against the answers of N examples.

    Args:
        examples: N examples whose answers are numbers.
        predicted_N: the numbers predicted.
        seed: seed of the bootstrap.
        worst: the most mistakes to keep.

    Raises:
        TrimtabError: no examples; an answer that is missing; a prediction that is not finite.
    """
    if not examples:
        raise TrimtabError("There are no examples to score.", "Check that the data file has rows.")
    right_N = numbers_of(examples)
    if not np.isfinite(predicted_N).all():
        where = examples[int(np.argmin(np.isfinite(predicted_N)))].where
        raise TrimtabError(
            f"{where}: the number predicted for this row is not finite.",
            "If training has diverged, lower `train.rate`.",
        )
    random = np.random.default_rng(seed)
    pearson, spearman, rmse, mae = _scores(right_N, predicted_N)
    intervals = _intervals(right_N, predicted_N, groups_among(examples), random)
    shown = np.sort(random.permutation(len(right_N))[:POINTS])
    far_first = np.argsort(-np.abs(right_N - predicted_N), kind="stable")[:worst]
    return NumberScores(
        rows=len(examples),
        pearson=None if np.isnan(pearson) else pearson,
        spearman=None if np.isnan(spearman) else spearman,
        rmse=rmse,
        mae=mae,
        intervals=intervals,
        points=[(float(right_N[n]), float(predicted_N[n])) for n in shown],
        mistakes=[
            NumberMistake(
                examples[n].where, {name: shortened(text) for name, text in examples[n].fields.items()},
                float(right_N[n]), float(predicted_N[n]),
            )
            for n in far_first if right_N[n] != predicted_N[n]
        ],
    )  # fmt: skip


def _intervals(
    right_N: Floats, predicted_N: Floats, groups: Groups, random: np.random.Generator
) -> dict[str, Interval]:
    """Intervals by name, all from the same resamples; resamples with a constant side count for errors alone."""

    first_N = np.argsort(groups.of_N, kind="stable")
    rows_G = np.split(first_N, np.cumsum(groups.sizes_G)[:-1])

    def scores(places_BG: Ints) -> NDArray[np.float64]:
        drawn = places_BG if groups.alone else [np.concatenate([rows_G[g] for g in places_G]) for places_G in places_BG]
        return np.array([_scores(right_N[places_N], predicted_N[places_N]) for places_N in drawn])

    rows = len(right_N)
    values = resample(row_places(groups.count), scores, random, at_once=draws_at_once(rows)).T
    kept = {name: values_B[~np.isnan(values_B)] for name, values_B in zip(NAMES, values, strict=True)}
    return {name: percentile_interval(values_B) for name, values_B in kept.items() if len(values_B)}


def _scores(right_N: Floats, predicted_N: Floats) -> tuple[float, float, float, float]:
    """Return the scores in the order of NAMES; a correlation of a constant side is NaN."""
    from scipy.stats import rankdata  # takes a second to import

    off_N = predicted_N - right_N
    pearson, spearman = _correlation(right_N, predicted_N), _correlation(rankdata(right_N), rankdata(predicted_N))
    return pearson, spearman, float(np.sqrt(np.mean(off_N**2))), float(np.mean(np.abs(off_N)))


def _correlation(one_N: Floats, other_N: Floats) -> float:
    """Pearson's correlation, or NaN where a side is constant."""
    # SciPy's pearsonr finds a p-value each time, and takes six times as long.
    if np.ptp(one_N) == 0 or np.ptp(other_N) == 0:
        return np.nan
    one_N, other_N = one_N - one_N.mean(), other_N - other_N.mean()
    return float(np.clip(one_N @ other_N / np.sqrt((one_N @ one_N) * (other_N @ other_N)), -1, 1))
