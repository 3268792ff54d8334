"""Logistic regression over word vectors against scikit-learn's own pipeline."""

from __future__ import annotations

import numpy as np
import pytest
from made_rows import CHINESE, ENGLISH, LABELS, accuracy, ids_of, made_rows, mean_of, texts_of, vectors_of_words
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.majority import majority
from trimtab.evaluation.baselines.word_vector_logistic import STRENGTHS, word_vector_logistic

VECTORS = vectors_of_words()


@pytest.mark.filterwarnings("error")
def test_word_vectors_are_a_grid_search_over_means() -> None:
    train, rows = made_rows(240, 1, ENGLISH), made_rows(80, 2, ENGLISH)
    got = word_vector_logistic(train, rows, LABELS, vectors=VECTORS, seed=3).probabilities_NC

    def means(examples: list[Example]) -> np.ndarray:
        return np.stack([mean_of(text.split(), VECTORS) for text in texts_of(examples)])

    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        {"logisticregression__C": list(STRENGTHS)},
        cv=StratifiedKFold(5, shuffle=True, random_state=3),
    )
    search.fit(means(train), ids_of(train))
    np.testing.assert_allclose(got, search.predict_proba(means(rows)), atol=1e-4)
    assert accuracy(got, rows) > 0.5


def test_a_text_without_a_known_word_gets_the_label_shares() -> None:
    train = [*made_rows(60, 1, ENGLISH), Example({"text": "qwerty"}, "odd", "a:1")]
    rows = [Example({"text": text}, None, "b:1") for text in ("hm qwerty", "Great, lovely!", "😀")]
    got = word_vector_logistic(train, rows, LABELS, vectors=VECTORS).probabilities_NC
    shares = majority(train, rows[:1], LABELS).probabilities_NC[0]
    np.testing.assert_array_equal(got[[0, 2]], [shares, shares])
    assert LABELS[got[1].argmax()] == "good"
    of_known = word_vector_logistic(train[:-1], rows[1:2], LABELS, vectors=VECTORS).probabilities_NC
    np.testing.assert_array_equal(got[1], of_known[0])


def test_chinese_texts_have_no_word_vectors() -> None:
    with pytest.raises(TrimtabError) as caught:
        word_vector_logistic(made_rows(20, 1, CHINESE, ""), [], LABELS, vectors=VECTORS)
    assert str(caught.value) == (
        "The word vectors are of English words, and the training texts are Chinese. "
        "Leave this way out; logistic regression over TF-IDF segments Chinese."
    )
    train = made_rows(60, 1, ENGLISH)
    with pytest.raises(TrimtabError):
        word_vector_logistic(train, train, LABELS, vectors=VECTORS, language="zh")
    chinese = [Example({"text": "好吃"}, None, "b:1")]
    got = word_vector_logistic(train, chinese, LABELS, vectors=VECTORS).probabilities_NC
    np.testing.assert_array_equal(got, majority(train, chinese, LABELS).probabilities_NC)
