"""What a baseline answers where answers are labels or choices. Knows nothing about how it was found."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class ClassAnswers(NamedTuple):
    """Answers to N rows, out of C classes: labels, or the places of options.

    Attributes:
        answers_N: the likeliest class of each row, the first of equals: index of a label, or place of an option.
        probabilities_NC: the probability of each class; rows sum to one.
    """

    answers_N: NDArray[np.int64]
    probabilities_NC: NDArray[np.float64]


def likeliest(probabilities_NC: NDArray[np.float64]) -> ClassAnswers:
    """Return the likeliest classes, with the probabilities they are taken from."""
    return ClassAnswers(probabilities_NC.argmax(axis=1), probabilities_NC)
