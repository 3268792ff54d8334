"""Calibration: whether a label is right as often as its probability says. Knows nothing about labels.

Shapes: N rows, M bins.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 15

Floats = NDArray[np.floating[Any]]


class CalibrationBin(NamedTuple):
    """Rows of like confidence: their mean confidence, the share that is right, and how many they are."""

    confidence: float
    accuracy: float
    rows: int


def bins_of(confidence_N: Floats) -> NDArray[np.int64]:
    """Return the bin of each confidence; bin m holds (m/M, (m+1)/M]."""
    bin_N: NDArray[np.int64] = np.clip(np.ceil(confidence_N * BINS) - 1, 0, BINS - 1).astype(np.int64)
    return bin_N


def calibration(confidence_N: Floats, correct_N: NDArray[np.bool_]) -> tuple[list[CalibrationBin], float]:
    """Return the bins from low to high confidence, and the expected calibration error (Guo et al. 2017, section 2)."""
    bin_N = bins_of(confidence_N)
    count_M = np.bincount(bin_N, minlength=BINS)
    confidence_M = np.bincount(bin_N, confidence_N, BINS) / np.maximum(count_M, 1)
    accuracy_M = np.bincount(bin_N, correct_N, BINS) / np.maximum(count_M, 1)
    error = float((count_M * np.abs(accuracy_M - confidence_M)).sum() / len(confidence_N))
    bins = [
        CalibrationBin(float(c), float(a), int(n)) for c, a, n in zip(confidence_M, accuracy_M, count_M, strict=True)
    ]
    return bins, error
