"""What is right of answers that are given only where they are sure: risk against coverage. Knows nothing of models.

N rows, k of them answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.interval.groups import Groups
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.interval.shares import share_interval

# Shares of the rows of which the accuracy is told; points of the curve.
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.5, 0.25)
MOST_POINTS = 100


@dataclass(frozen=True)
class Covered:
    """What is right where so many rows are answered.

    Attributes:
        coverage: share of the rows that is answered.
        rows: how many they are.
        answer_from: probability from which on they are.
        accuracy, interval: share of these that is right, and its 95% interval.
    """

    coverage: float
    rows: int
    answer_from: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Selective:
    """Risk against coverage (El-Yaniv and Wiener 2010), the surest rows answered first.

    Attributes:
        curve: (share of rows answered, share of these that is wrong), rising in the first.
        aurc: area under the curve: the mean share that is wrong over every number of rows answered (Geifman, Uziel and
            El-Yaniv 2019); rows that are equally sure are in no order.
        least: the least that it could be with as many wrong answers, if these were the least sure ones.
        covered: at a few coverages, from all rows down; of rows that are equally sure all are answered.
    """

    curve: list[tuple[float, float]]
    aurc: float
    least: float
    covered: list[Covered]


@dataclass(frozen=True)
class Answered:
    """What a run that does not answer where it is unsure leaves unanswered.

    Attributes:
        wanted: share of the answers given that was to be right; None where only the probability was set.
        answer_from: probability from which on it answers; above 1, never.
        rows, answered: how many rows there are, and how many it answers.
        coverage, coverage_interval: the share it answers, and its 95% interval.
        accuracy, accuracy_interval: share of the answers given that is right; None where none is given.
    """

    wanted: float | None
    answer_from: float
    rows: int
    answered: int
    coverage: float
    coverage_interval: Interval
    accuracy: float | None
    accuracy_interval: Interval | None


def selective(confidence_N: NDArray[Any], right_N: NDArray[np.bool_], groups: Groups) -> Selective:
    """Return risk against coverage.

    Args:
        confidence_N: the probability of each row's likeliest label.
        right_N: whether that is right.
        groups: which rows belong together.
    """
    rows = len(right_N)
    order_N = np.argsort(-confidence_N, kind="stable")
    sure_N, wrong_N = confidence_N[order_N], np.cumsum(~right_N[order_N])
    ends = np.flatnonzero(np.append(sure_N[1:] < sure_N[:-1], True))
    every = np.arange(1, rows + 1)
    aurc = float((np.interp(every, [0, *ends + 1], [0, *wrong_N[ends]]) / every).mean())
    least = float((np.maximum(0, every - right_N.sum()) / every).mean())
    shown = ends[np.unique(np.linspace(0, len(ends) - 1, min(MOST_POINTS, len(ends))).round().astype(int))]
    covered = {}
    for coverage in COVERAGES:
        end = int(ends[np.searchsorted(ends + 1, coverage * rows - 1e-9)])
        at = order_N[: end + 1]
        accuracy, interval = _share(right_N[at], groups.part(at))
        covered[end] = Covered((end + 1) / rows, end + 1, float(sure_N[end]), accuracy, interval)
    return Selective(
        [((end + 1) / rows, float(wrong_N[end] / (end + 1))) for end in shown.tolist()],
        aurc,
        least,
        [*covered.values()],
    )


def answered(
    confidence_N: NDArray[Any], right_N: NDArray[np.bool_], groups: Groups, from_: float, wanted: float | None
) -> Answered:
    """Return what is answered from a probability on; arguments as of `selective`."""
    given_N = confidence_N >= from_
    coverage, coverage_interval = _share(given_N, groups)
    at = np.flatnonzero(given_N)
    accuracy, interval = _share(right_N[at], groups.part(at)) if len(at) else (None, None)
    return Answered(wanted, from_, len(right_N), len(at), coverage, coverage_interval, accuracy, interval)


def _share(values_N: NDArray[np.bool_], groups: Groups) -> tuple[float, Interval]:
    share = float(values_N.mean())
    return share, share_interval(share, values_N.astype(np.float64) - share, groups)
