"""Logistic regression over vectors of whole texts. Knows nothing about what makes them.

Shapes: N rows, C classes, D numbers of a vector. scikit-learn is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.evaluation.baselines.class_answers import ClassAnswers
from trimtab.evaluation.baselines.classifier import Recipe, classify

# Inverse strengths of the L2 penalty.
STRENGTHS = (10.0, 1.0, 100.0)


def embedding_logistic(
    train: Sequence[Example],
    examples: Sequence[Example],
    labels: Sequence[str],
    *,
    embed: Callable[[list[str]], NDArray[np.float32]],
    seed: int = 0,
) -> ClassAnswers:
    """Logistic regression over sentence embeddings: what is usually tried before anything is tuned.

    The penalty is chosen by cross-validated accuracy on train alone; where train is too small for that, C is 10.

    Args:
        train: labelled examples.
        examples: the N examples to answer; their answers are not looked at.
        labels: the C labels, in the order of the columns.
        embed: texts -> vectors [number of texts, D] of length one.
        seed: seed of the folds.

    Returns:
        A label that train lacks has probability 0.

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels.
    """
    return classify(train, examples, labels, embedding_recipe(embed), seed)


def embedding_recipe(embed: Callable[[list[str]], NDArray[np.float32]]) -> Recipe:
    """What the classifier of `embedding_logistic` is made of."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import FunctionTransformer

    return Recipe(
        features=lambda texts: list(embed(texts)),
        transformer=lambda: FunctionTransformer(np.asarray),
        classifier=lambda strength: LogisticRegression(C=strength, max_iter=1000),
        strengths=STRENGTHS,
    )
