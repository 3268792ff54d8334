"""Intervals of the scores of labels. Knows nothing about examples.

Shapes: N rows, C classes, G kinds of rows alike, M calibration bins, B resamples, b resamples drawn at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.interval.bootstrap import Floats, Ints, counts_by_draw, draws_at_once, resample, row_counts
from trimtab.evaluation.interval.groups import Groups
from trimtab.evaluation.interval.interval import Interval, percentile_interval
from trimtab.evaluation.interval.shares import share_interval
from trimtab.evaluation.scores.calibration import bins_of
from trimtab.evaluation.scores.classes import class_scores

# Numbers drawn at once, so few that they stay in the processor's cache.
MOST_DRAWN = 1 << 16


def label_intervals(
    answers_N: Ints,
    predicted_N: Ints,
    confidence_N: NDArray[np.floating[Any]],
    classes: int,
    groups: Groups,
    seed: int,
) -> dict[str, Interval]:
    """Return the intervals of `LabelScores`: of accuracy Wilson's, of the others from the same resamples of the rows.

    Where every resample has the same macro F1 (all rows right, or none), the bootstrap has no width, and the interval
    of accuracy takes its place. Rows are sorted by bin and by (answer, predicted), so that a resample is one count a
    row, summed over runs.
    """
    rows, bin_N = len(answers_N), bins_of(confidence_N)
    group_N = (bin_N * classes + answers_N) * classes + predicted_N
    order_N = np.argsort(group_N, kind="stable")
    group_G, start_G = np.unique(group_N[order_N], return_index=True)
    start_M = np.unique(bin_N[order_N], return_index=True)[1]
    answer_G, predicted_G = np.divmod(group_G % classes**2, classes)
    hit_G = answer_G == predicted_G
    gap_N = (confidence_N - (answers_N == predicted_N))[order_N]

    def scores(times_BN: Ints) -> Floats:
        draws = len(times_BN)
        times_BN = times_BN[:, order_N]
        drawn_B = times_BN.sum(axis=1)
        count_BG = np.add.reduceat(times_BN, start_G, axis=1)
        hits_BG = count_BG * hit_G
        _, _, f1_BC, present_BC = class_scores(
            counts_by_draw(answer_G, classes, draws, hits_BG),
            counts_by_draw(answer_G, classes, draws, count_BG),
            counts_by_draw(predicted_G, classes, draws, count_BG),
        )
        error_B = np.abs(np.add.reduceat(times_BN * gap_N, start_M, axis=1)).sum(axis=1) / drawn_B
        return np.stack([f1_BC.mean(axis=1, where=present_BC), error_B], axis=1)

    random = np.random.default_rng(seed)
    values_B2 = resample(row_counts(groups.of_N), scores, random, at_once=draws_at_once(rows, MOST_DRAWN))
    error = np.abs(np.add.reduceat(gap_N, start_M)).sum() / rows
    values_B2[:, 1] = np.maximum(values_B2[:, 1] - (values_B2[:, 1].mean() - error), 0)
    correct_N = (answers_N == predicted_N).astype(np.float64)
    accuracy = share_interval(float(correct_N.mean()), correct_N - correct_N.mean(), groups)
    macro_f1 = accuracy if np.ptp(values_B2[:, 0]) == 0 else percentile_interval(values_B2[:, 0])
    return {"accuracy": accuracy, "macro_f1": macro_f1, "calibration_error": percentile_interval(values_B2[:, 1])}
