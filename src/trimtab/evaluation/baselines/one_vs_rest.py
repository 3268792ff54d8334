"""A classifier a label, each yes or no by itself, where rows may have several. Knows nothing about what features are.

Shapes: N rows, C labels, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import MultiLabelExample
from trimtab.data.tags.tags import f1
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.classifier import Recipe
from trimtab.evaluation.baselines.folds import FOLDS
from trimtab.evaluation.scores.gold import label_sets_of
from trimtab.evaluation.scores.thresholds import USUAL, best_thresholds, given_labels
from trimtab.evaluation.text.words import joined_fields

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# With fewer rows nothing is chosen: the first strength is taken, and a label is given from 0.5 on.
FEWEST_ROWS = 2 * FOLDS


def one_vs_rest(
    train: Sequence[MultiLabelExample],
    examples: Sequence[MultiLabelExample],
    labels: Sequence[str],
    recipe: Recipe,
    seed: int = 0,
) -> list[tuple[str, ...]]:
    """Tell each label from all that lack it, and give those whose probability reaches their threshold.

    Strength and thresholds are those of the best F1 over all labels of the rows that five-fold cross-validation leaves
    out, on train alone (see `best_thresholds`). A row without features has each label's share of train as probability.

    Args:
        train: examples with labels.
        examples: the N examples to answer; their labels are not looked at.
        labels: the C labels.
        recipe: what the classifiers are made of.
        seed: seed of the folds.

    Returns:
        The labels of each row, in their order.

    Raises:
        TrimtabError: train is empty, or a row of it has no answer.
    """
    if not train:
        raise TrimtabError("A baseline needs training rows, and there are none.", "Give `data.train`.")
    sets = [set(own) for own in label_sets_of(train)]
    right_NC = np.array([[label in own for label in labels] for own in sets], dtype=bool)
    given = recipe.features([joined_fields(example) for example in train])
    known = [n for n, row in enumerate(given) if row is not None]
    asked = recipe.features([joined_fields(example) for example in examples])
    answerable = [n for n, row in enumerate(asked) if row is not None]
    probabilities_NC = np.tile(right_NC.mean(axis=0), (len(examples), 1))
    thresholds_C = np.full(len(labels), USUAL)
    if known and answerable:
        rows = [given[n] for n in known]
        strength, thresholds_C = _chosen(rows, right_NC[known], recipe, seed)
        transform = recipe.transformer()
        inside_NF = transform.fit_transform(rows)
        outside_NF = transform.transform([asked[n] for n in answerable])
        probabilities_NC[answerable] = _foretold(recipe, strength, inside_NF, right_NC[known], outside_NF)
    given_NC = given_labels(probabilities_NC, thresholds_C)
    return [tuple(label for label, own in zip(labels, row_C, strict=True) if own) for row_C in given_NC]


def _chosen(rows: Sequence[Any], right_NC: NDArray[np.bool_], recipe: Recipe, seed: int) -> tuple[float, Floats]:
    """The strength that does best on rows left out, and the thresholds that go with it."""
    from sklearn.model_selection import KFold

    if len(rows) < FEWEST_ROWS:
        return recipe.strengths[0], np.full(right_NC.shape[1], USUAL)
    found_SNC = np.zeros((len(recipe.strengths), *right_NC.shape))
    for inside, outside in KFold(FOLDS, shuffle=True, random_state=seed).split(right_NC):
        transform = recipe.transformer()
        inside_NF = transform.fit_transform([rows[n] for n in inside])
        outside_NF = transform.transform([rows[n] for n in outside])
        for s, strength in enumerate(recipe.strengths):
            found_SNC[s, outside] = _foretold(recipe, strength, inside_NF, right_NC[inside], outside_NF)
    thresholds_SC = [best_thresholds(found_NC, right_NC) for found_NC in found_SNC]
    scores = []
    for found_NC, own_C in zip(found_SNC, thresholds_SC, strict=True):
        given_NC = given_labels(found_NC, own_C)
        scores.append(f1(int((given_NC & right_NC).sum()), int(given_NC.sum()), int(right_NC.sum())))
    best = scores.index(max(scores))
    return recipe.strengths[best], thresholds_SC[best]


def _foretold(recipe: Recipe, strength: float, inside_NF: Any, right_NC: NDArray[np.bool_], outside_NF: Any) -> Floats:
    """The probability of each label for the rows outside; a label that all rows inside have, or none, is certain."""
    found_NC = np.zeros((outside_NF.shape[0], right_NC.shape[1]))
    for c, right_N in enumerate(right_NC.T):
        if right_N.all() or not right_N.any():
            found_NC[:, c] = float(right_N[0])
        else:
            found_NC[:, c] = recipe.classifier(strength).fit(inside_NF, right_N).predict_proba(outside_NF)[:, 1]
    return found_NC
