"""One temperature for the probabilities of labels, fitted on dev (Guo et al. 2017). Knows nothing about models.

N rows, C labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# With fewer rows nothing is fitted; folds of cross-validation; the range that is searched; digits of what is found.
FEWEST, FOLDS, LOWEST, HIGHEST, DIGITS = 30, 5, 0.2, 5.0, 4
# Probabilities are taken for no less than this, so that their logarithm is finite.
LEAST = 1e-12


def tempered(probabilities_NC: NDArray[Any], temperature: float) -> NDArray[np.float64]:
    """Return probabilities with their logarithms divided by a temperature, shape (N, C) or (C,)."""
    logs = np.log(np.maximum(np.asarray(probabilities_NC, dtype=np.float64), LEAST)) / temperature
    raised = np.exp(logs - logs.max(axis=-1, keepdims=True))
    found: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return found


def best_temperature(probabilities_NC: NDArray[Any], right_N: NDArray[np.int64]) -> float:
    """Return the temperature with the least log loss on these rows; 1 where it would not help on rows left out.

    Args:
        probabilities_NC: of each row and label.
        right_N: index of the right label.
    """
    if len(right_N) < FEWEST:
        return 1.0
    fold_N = np.arange(len(right_N)) % FOLDS
    held_out = sum(
        _loss(
            probabilities_NC[fold_N == k],
            right_N[fold_N == k],
            _fitted(probabilities_NC[fold_N != k], right_N[fold_N != k]),
        )
        * (fold_N == k).sum()
        for k in range(FOLDS)
    )
    if held_out >= _loss(probabilities_NC, right_N, 1.0) * len(right_N):
        return 1.0
    return round(_fitted(probabilities_NC, right_N), DIGITS)


def _loss(probabilities_NC: NDArray[Any], right_N: NDArray[np.int64], temperature: float) -> float:
    """Mean log loss."""
    found_NC = tempered(probabilities_NC, temperature)
    return float(-np.log(np.maximum(found_NC[np.arange(len(right_N)), right_N], LEAST)).mean())


def _fitted(probabilities_NC: NDArray[Any], right_N: NDArray[np.int64]) -> float:
    """The temperature with the least log loss, which is convex in its inverse."""
    from scipy.optimize import minimize_scalar  # takes a second to import

    result = minimize_scalar(
        lambda inverse: _loss(probabilities_NC, right_N, 1 / inverse),
        bounds=(1 / HIGHEST, 1 / LOWEST),
        method="bounded",
    )
    return float(1 / result.x)
