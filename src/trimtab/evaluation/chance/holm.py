"""Holm's correction for looking at many differences. Knows nothing about tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for their number, in the same order (Holm 1979).

    If every adjusted value below 0.05 is called a difference, the chance of one false call among all M is at most 5%.
    """
    # SciPy has the corrections of the false discovery rate alone.
    order_M = np.argsort(p_values, kind="stable")
    factors_M = len(p_values) - np.arange(len(p_values))
    adjusted_M = np.empty(len(p_values))
    adjusted_M[order_M] = np.minimum(np.maximum.accumulate(np.asarray(p_values)[order_M] * factors_M), 1)
    return [float(p) for p in adjusted_M]
