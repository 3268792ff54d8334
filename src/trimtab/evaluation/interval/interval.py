"""The interval that a figure comes with. Knows nothing about how it is found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Interval:
    """A 95% interval."""

    low: float
    high: float


def percentile_interval(values_B: NDArray[np.float64]) -> Interval:
    """Return the 95% percentile interval (Efron 1979) of B resampled values."""
    low, high = np.percentile(values_B, _PERCENTILES)
    return Interval(float(low), float(high))
