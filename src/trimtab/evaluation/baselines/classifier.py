"""A scikit-learn classifier whose strength is chosen by cross-validation. Knows nothing about what features are.

Shapes: N rows, C classes, F features.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.evaluation.baselines.class_answers import ClassAnswers, likeliest
from trimtab.evaluation.baselines.folds import best_of
from trimtab.evaluation.baselines.majority import majority
from trimtab.evaluation.scores.gold import answer_ids
from trimtab.evaluation.text.words import joined_fields

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Recipe:
    """What a classifier is made of.

    Attributes:
        features: texts -> what stands for each, None where it has nothing to go by.
        transformer: makes a scikit-learn transformer of features.
        classifier: strength -> a scikit-learn classifier.
        strengths: what to choose from, the default first.
    """

    features: Callable[[list[str]], Sequence[Any]]
    transformer: Callable[[], Any]
    classifier: Callable[[float], Any]
    strengths: Sequence[float]


def classify(
    train: Sequence[Example], examples: Sequence[Example], labels: Sequence[str], recipe: Recipe, seed: int
) -> ClassAnswers:
    """Train on the rows with features, choose the strength among them, and answer the rows with features.

    Args:
        train, examples, labels: as everywhere.
        recipe: what the classifier is made of.
        seed: seed of the folds.
    """
    probabilities_NC = majority(train, examples, labels).probabilities_NC
    given = recipe.features([joined_fields(example) for example in train])
    known = [n for n, row in enumerate(given) if row is not None]
    rows, answers_N = [given[n] for n in known], answer_ids(train, labels)[known]
    asked = recipe.features([joined_fields(example) for example in examples])
    answerable = [n for n, row in enumerate(asked) if row is not None]
    if len(np.unique(answers_N)) < 2 or not answerable:
        return likeliest(probabilities_NC)

    def predict(inside: Ints, outside: Ints) -> Iterator[Ints]:
        transform = recipe.transformer()
        inside_NF = transform.fit_transform([rows[n] for n in inside])
        outside_NF = transform.transform([rows[n] for n in outside])
        for strength in recipe.strengths:
            yield _fitted(recipe, strength, inside_NF, answers_N[inside]).predict(outside_NF)

    strength = best_of(recipe.strengths, answers_N, seed, predict)
    transform = recipe.transformer()
    model = _fitted(recipe, strength, transform.fit_transform(rows), answers_N)
    found_NC = np.zeros((len(answerable), len(labels)))
    found_NC[:, model.classes_] = model.predict_proba(transform.transform([asked[n] for n in answerable]))
    probabilities_NC[answerable] = found_NC
    return likeliest(probabilities_NC)


def _fitted(recipe: Recipe, strength: float, features_NF: Any, answers_N: Ints) -> Any:
    """A classifier; answers are classes however few rows of each there are, so that a doubt of it is not told."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        return recipe.classifier(strength).fit(features_NF, answers_N)
