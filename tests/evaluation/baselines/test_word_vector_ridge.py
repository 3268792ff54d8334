"""Ridge regression over word vectors against scikit-learn's own grid search."""

from __future__ import annotations

import re

import numpy as np
import pytest
from made_rows import CHINESE, ENGLISH, LABELS, made_rows, mean_of, vectors_of_words
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.preprocessing import StandardScaler

from trimtab.data.example import Example, NumberExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.word_vector_ridge import ALPHAS, word_vector_ridge

VECTORS = vectors_of_words()


def in_numbers(rows: list[Example], seed: int) -> list[NumberExample]:
    """The same rows with numbers that their labels say something of."""
    noise = np.random.default_rng(seed).normal(0, 0.5, len(rows))
    return [
        NumberExample(row.fields, row.answer, row.where, number=LABELS.index(row.answer or "") + float(x))
        for row, x in zip(rows, noise, strict=True)
    ]


def test_ridge_on_word_vectors_is_a_grid_search_of_scikit_learn() -> None:
    train, rows = in_numbers(made_rows(120, 1, ENGLISH), 1), in_numbers(made_rows(60, 2, ENGLISH), 2)
    nothing = NumberExample({"text": "hm"}, "0", "x:1", number=0.0)
    got = word_vector_ridge([*train, nothing], [*rows, nothing], vectors=VECTORS, seed=3)

    def means(examples: list[Example]) -> np.ndarray:
        texts = [re.findall(r"\w+", e.fields["text"].lower()) for e in examples]
        return np.stack([mean_of(text, VECTORS) for text in texts])

    inside, answers = means(train), [row.number for row in train]
    scaled = StandardScaler().fit(inside)
    search = GridSearchCV(
        Ridge(), {"alpha": ALPHAS}, cv=KFold(5, shuffle=True, random_state=3), scoring="neg_mean_squared_error"
    ).fit(scaled.transform(inside), answers)
    np.testing.assert_allclose(got[:-1], search.predict(scaled.transform(means(rows))), rtol=1e-4)
    assert got[-1] == pytest.approx(np.mean([*answers, 0.0]))  # of a row without a known word: the mean of train


def test_ridge_on_word_vectors_refuses_chinese() -> None:
    rows = in_numbers(made_rows(10, 1, CHINESE, "，"), 1)
    with pytest.raises(TrimtabError) as caught:
        word_vector_ridge(rows, rows, vectors=VECTORS)
    assert str(caught.value) == (
        "The word vectors are of English words, and the training texts are Chinese. "
        "Leave this way out; ridge regression on TF-IDF takes them."
    )
