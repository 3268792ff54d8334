"""From which probability on a label, or an answer, is given, chosen by F1. Knows nothing about models or files.

Shapes: N rows, C labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Where a label has fewer rows than this with it, or without it, nothing is chosen.
FEWEST = 5
USUAL = 0.5
# Digits of a threshold; and the nearest that it comes to 0 and 1.
DIGITS = 6
_LEAST = 10.0**-DIGITS


def best_thresholds(probabilities_NC: NDArray[Any], right_NC: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the threshold of each label with the best F1 on these rows, shape (C,).

    A label is given where its probability is at least its threshold. That lies half-way between the probabilities of
    two rows, or is 0.5 where that is as good as any; of several that are best, the nearest to 0.5 is taken. (To choose
    thresholds a label by F1 is the S-cut of Yang 2001.)

    Args:
        probabilities_NC: of each row and label.
        right_NC: whether the label is right for the row.
    """
    columns = zip(probabilities_NC.astype(np.float64).T, right_NC.T, strict=True)
    return np.array([_best(own_N, right_N) for own_N, right_N in columns])


def _best(own_N: NDArray[np.float64], right_N: NDArray[np.bool_]) -> float:
    there = int(right_N.sum())
    if min(there, len(right_N) - there) < FEWEST:
        return USUAL
    order_N = np.argsort(-own_N, kind="stable")
    sorted_N, given_N = own_N[order_N], np.arange(1, len(own_N) + 1)
    f1_N = 2 * np.cumsum(right_N[order_N]) / (given_N + there)
    cuts_N = np.clip(np.round((sorted_N + np.append(sorted_N[1:], 0.0)) / 2, DIGITS), _LEAST, 1 - _LEAST)
    usable_N = (cuts_N <= sorted_N) & (cuts_N > np.append(sorted_N[1:], -1.0))
    if not usable_N.any():
        return USUAL
    best = f1_N[usable_N].max()
    given = own_N >= USUAL
    if given.any() and 2 * (given & right_N).sum() / (given.sum() + there) >= best - 1e-12:
        return USUAL
    among = cuts_N[usable_N & (f1_N >= best - 1e-12)]
    return float(among[np.argmin(np.abs(among - USUAL))])


def given_labels(probabilities_NC: NDArray[Any], thresholds_C: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which labels are given to each row, shape (N, C)."""
    given: NDArray[np.bool_] = probabilities_NC >= thresholds_C
    return given


def best_answer_threshold(shares_N: NDArray[Any], f1_N: NDArray[Any], without_N: NDArray[np.bool_]) -> float:
    """Return from which share on an answer is given rather than none, by the best mean F1 (Rajpurkar et al. 2018).

    It lies half-way between the shares of two rows, or is 0 where always to answer is best; of several that are best,
    the nearest to 0.5 is taken. Where fewer than `FEWEST` rows have an answer, or have none, it is 0.5.

    Args:
        shares_N: of each row, how probable its best answer is beside no answer.
        f1_N: of each row, the F1 of that answer.
        without_N: whether no answer is right, which an answer then scores 0 for.
    """
    if min(int(without_N.sum()), int((~without_N).sum())) < FEWEST:
        return USUAL
    order_N = np.argsort(-shares_N, kind="stable")
    sorted_N = shares_N[order_N].astype(np.float64)
    # The gain of answering the first 0, 1, ... N rows over answering none.
    gains = np.concatenate([[0.0], np.cumsum((f1_N - without_N)[order_N])])
    above, below = np.concatenate([[1.0], sorted_N]), np.concatenate([sorted_N, [0.0]])
    cuts = np.round((above + below) / 2, DIGITS)
    cuts[-1] = 0.0
    usable = (cuts <= above) & (cuts > below) & (cuts < 1)
    usable[-1] = True
    best = gains[usable].max()
    usual = float(gains[int((shares_N >= USUAL).sum())])
    if usual >= best - 1e-12:
        return USUAL
    among = cuts[usable & (gains >= best - 1e-12)]
    return float(among[np.argmin(np.abs(among - USUAL))])
