"""Precision, recall and F1 of classes. Knows nothing about probabilities.

Shapes: N rows, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class; shares in [0, 1], `support` in rows that have this label as their answer."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


def class_scores(
    hits_C: NDArray[Any], support_C: NDArray[Any], predicted_C: NDArray[Any]
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Return precision, recall, F1 (0 where undefined) and whether the class occurs at all, each of shape (..., C)."""
    precision_C = hits_C / np.maximum(predicted_C, 1)
    recall_C = hits_C / np.maximum(support_C, 1)
    either_C = support_C + predicted_C
    return precision_C, recall_C, 2 * hits_C / np.maximum(either_C, 1), either_C > 0


def macro_f1(answers_N: NDArray[np.int64], predicted_N: NDArray[np.int64], classes: int) -> float:
    """Mean F1 of the classes that occur among right or given labels, given indices of shape (N,)."""
    both_C = np.bincount(answers_N[answers_N == predicted_N], minlength=classes)
    right_C, given_C = np.bincount(answers_N, minlength=classes), np.bincount(predicted_N, minlength=classes)
    _, _, f1_C, present_C = class_scores(both_C, right_C, given_C)
    return float(f1_C[present_C].mean())
