"""Weights of rows that make rare labels count as much as common ones. Knows nothing about models or tasks.

N rows, C labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

# Weight of each label; of labels that each fit or do not, those of the two.
ByLabel = tuple[float, ...]
ByAnswer = tuple[tuple[float, float], ...]


def balanced(labels: Sequence[int], classes: int) -> ByLabel:
    """Weight of each label: N / (C n_c) for one of n_c rows, C those that occur; 1 for one without rows.

    scikit-learn's `class_weight="balanced"` (King & Zeng 2001). Over the rows, weights have a mean of 1.
    """
    counts = Counter(labels)
    return tuple(len(labels) / (len(counts) * counts[c]) if counts[c] else 1.0 for c in range(classes))


def balanced_answers(fits: Sequence[Sequence[bool]]) -> ByAnswer:
    """Of each label, the weights of a row that it does not fit and of one that it does, as of two labels."""
    both = (balanced([int(own) for own in column], 2) for column in zip(*fits, strict=True))
    return tuple((no, yes) for no, yes in both)
