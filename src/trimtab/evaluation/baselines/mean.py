"""The mean number. Knows nothing about texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example, NumberExample
from trimtab.evaluation.scores.gold import numbers_of


def mean_number(train: Sequence[NumberExample], examples: Sequence[Example]) -> NDArray[np.float64]:
    """Give every example the mean of train, shape (N,). Raises TrimtabError where train lacks a number."""
    return np.full(len(examples), numbers_of(train).mean())
