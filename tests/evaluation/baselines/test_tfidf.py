"""Logistic regression over TF-IDF against scikit-learn's own pipeline."""

from __future__ import annotations

import re

import jieba
import numpy as np
import pytest
from made_rows import CHINESE, ENGLISH, LABELS, MIXED, accuracy, ids_of, made_rows, texts_of
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from trimtab.evaluation.baselines.tfidf import STRENGTHS, tfidf_logistic


def words_of_jieba(text: str) -> list[str]:
    return [word for word in jieba.lcut(text) if re.fullmatch(r"\w+", word)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("words", "joint"), [(ENGLISH, " "), (CHINESE, "，"), (MIXED, " ")])
def test_tfidf_is_a_grid_search_of_scikit_learn(words: dict[str, list[str]], joint: str) -> None:
    train, rows = made_rows(240, 1, words, joint), made_rows(80, 2, words, joint)
    answers, got = tfidf_logistic(train, rows, LABELS, seed=3)
    search = GridSearchCV(
        make_pipeline(
            TfidfVectorizer(tokenizer=words_of_jieba, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True),
            OneVsRestClassifier(
                LogisticRegression(solver="liblinear", dual=True, tol=0.1, max_iter=1000, random_state=3)
            ),
        ),
        {"onevsrestclassifier__estimator__C": list(STRENGTHS)},
        cv=StratifiedKFold(5, shuffle=True, random_state=3),
    )
    search.fit(texts_of(train), ids_of(train))
    np.testing.assert_allclose(got, search.predict_proba(texts_of(rows)))
    assert answers.tolist() == got.argmax(axis=1).tolist()
    assert accuracy(got, rows) > 0.5
