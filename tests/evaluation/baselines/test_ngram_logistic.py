"""A bag of n-grams: what is in it by hand, and the classifier against scikit-learn's own."""

from __future__ import annotations

import numpy as np
from made_rows import CHINESE, ENGLISH, LABELS, accuracy, ids_of, made_rows, texts_of
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from trimtab.data.example import Example
from trimtab.evaluation.baselines.ngram_logistic import ngram_logistic, ngrams
from trimtab.evaluation.baselines.tfidf import STRENGTHS, tfidf_logistic


def test_the_bag_by_hand() -> None:
    assert ngrams(["cat", "a", "很好"]) == [
        "cat", "a", "很好", "cat a", "a 很好",
        "#<ca", "#cat", "#at>", "#<cat", "#cat>",
        "#<很好", "#很好>",
    ]  # fmt: skip
    assert ngrams(["wonderful"]).count("#wonder") == 1
    assert ngrams([]) == []


def test_it_is_a_grid_search_of_scikit_learn() -> None:
    train, rows = made_rows(240, 1, ENGLISH, " "), made_rows(80, 2, ENGLISH, " ")
    answers, got = ngram_logistic(train, rows, LABELS, seed=3)
    search = GridSearchCV(
        make_pipeline(
            TfidfVectorizer(analyzer=lambda text: ngrams(text.split()), sublinear_tf=True),
            OneVsRestClassifier(
                LogisticRegression(solver="liblinear", dual=True, tol=0.1, max_iter=1000, random_state=3)
            ),
        ),
        {"onevsrestclassifier__estimator__C": list(STRENGTHS)},
        cv=StratifiedKFold(5, shuffle=True, random_state=3),
    )
    search.fit(texts_of(train), ids_of(train))
    np.testing.assert_allclose(got, search.predict_proba(texts_of(rows)), atol=1e-6)
    assert answers.tolist() == got.argmax(axis=1).tolist()


def test_misspelt_words_are_told_by_their_pieces() -> None:
    """Every word of the rows to answer lacks a letter, so that none of them was seen."""
    train = made_rows(240, 1, ENGLISH, " ")
    rows = [
        Example({field: " ".join(w[:-1] if len(w) > 4 else w for w in text.split())}, e.answer, e.where)
        for e in made_rows(80, 2, ENGLISH, " ")
        for field, text in e.fields.items()
    ]
    pieces, whole = ngram_logistic(train, rows, LABELS), tfidf_logistic(train, rows, LABELS)
    assert accuracy(pieces.probabilities_NC, rows) >= accuracy(whole.probabilities_NC, rows)


def test_chinese() -> None:
    train, rows = made_rows(240, 1, CHINESE, "，"), made_rows(80, 2, CHINESE, "，")
    assert accuracy(ngram_logistic(train, rows, LABELS).probabilities_NC, rows) > 0.5
