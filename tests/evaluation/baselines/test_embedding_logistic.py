"""Logistic regression over vectors of texts against scikit-learn's grid search."""

from __future__ import annotations

import numpy as np
from made_rows import ENGLISH, LABELS, accuracy, ids_of, made_rows, texts_of
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from trimtab.evaluation.baselines.embedding_logistic import STRENGTHS, embedding_logistic


def embed(texts: list[str]) -> NDArray[np.float32]:
    """Sums of a fixed random vector a word, of length one."""
    vectors = [[np.random.default_rng(list(word.encode())).normal(size=24) for word in text.split()] for text in texts]
    sums = np.array([np.sum(own, axis=0) for own in vectors])
    return (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)


def test_it_is_a_grid_search_of_scikit_learn() -> None:
    train, rows = made_rows(240, 1, ENGLISH, " "), made_rows(80, 2, ENGLISH, " ")
    answers, got = embedding_logistic(train, rows, LABELS, embed=embed, seed=3)
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    search = GridSearchCV(LogisticRegression(max_iter=1000), {"C": list(STRENGTHS)}, cv=folds)
    search.fit(embed(texts_of(train)), ids_of(train))
    np.testing.assert_allclose(got, search.predict_proba(embed(texts_of(rows))), atol=1e-6)
    assert answers.tolist() == got.argmax(axis=1).tolist()
    assert accuracy(got, rows) > 0.5
