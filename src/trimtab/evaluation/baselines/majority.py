"""The commonest label, or place of an option. Knows nothing about texts.

Shapes: N rows, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.class_answers import ClassAnswers, likeliest
from trimtab.evaluation.scores.gold import answer_ids


def majority(train: Sequence[Example], examples: Sequence[Example], labels: Sequence[str]) -> ClassAnswers:
    """Give every example the label shares of train, so that the most frequent label is the answer.

    Of choices, shares are those of the places at which right options stand, and only the places that a row has count in
    it: where train never has one of these right, they are equally likely.

    Args:
        train: examples with answers.
        examples: the N examples to answer; their answers are not looked at.
        labels: the C labels, in the order of the columns; of choices, names of the options' places.

    Returns:
        Of equally frequent labels the first is the answer.

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels.
    """
    shares_C = label_shares(train, labels)
    probabilities_NC = np.tile(shares_C, (len(examples), 1))
    for row_C, example in zip(probabilities_NC, examples, strict=True):
        places = len(example.beside)
        if 0 < places < len(labels):
            own = shares_C[:places]
            row_C[:places] = own / own.sum() if own.any() else 1 / places
            row_C[places:] = 0
    return likeliest(probabilities_NC)


def label_shares(train: Sequence[Example], labels: Sequence[str]) -> NDArray[np.float64]:
    """Return the share of each label in train, shape (C,).

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels.
    """
    if not train:
        raise TrimtabError("A baseline needs training rows, and there are none.", "Give `data.train`.")
    return np.bincount(answer_ids(train, labels), minlength=len(labels)) / len(train)
