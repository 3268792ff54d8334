"""A setting chosen by cross-validation. Knows nothing about texts or models.

Shapes: N rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

FOLDS = 5
Choice = TypeVar("Choice")


def best_of(
    choices: Sequence[Choice], answers_N: Ints, seed: int, predict: Callable[[Ints, Ints], Iterable[Ints]]
) -> Choice:
    """Return the choice with the best accuracy in stratified five-fold cross-validation; of equals, the first.

    A commonest class of fewer than five rows makes for as many folds. Where folds cannot be made (a single class, or
    one row of each), the first choice is returned. Folds that leave a single class to train on are passed over.

    Args:
        choices: what to choose from.
        answers_N: class of each row.
        seed: seed of the folds.
        predict: called with the rows to train on and the rows to answer; gives the predicted classes of the latter,
            for one choice after the other.
    """
    from sklearn.model_selection import StratifiedKFold

    rows_of_class = np.unique(answers_N, return_counts=True)[1]
    folds = min(FOLDS, int(rows_of_class.max()))
    if folds < 2 or len(rows_of_class) < 2:
        return choices[0]
    right = [0] * len(choices)
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of classes with fewer rows than folds
        splits = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(answers_N, answers_N))
    for inside, outside in splits:
        if len(np.unique(answers_N[inside])) > 1:
            for c, predicted in enumerate(predict(inside, outside)):
                right[c] += int((predicted == answers_N[outside]).sum())
    return choices[right.index(max(right))]
