"""Naive Bayes against scikit-learn's own pipeline."""

from __future__ import annotations

import re

import jieba
import numpy as np
import pytest
from made_rows import CHINESE, ENGLISH, LABELS, MIXED, accuracy, ids_of, made_rows, texts_of
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.naive_bayes import ALPHAS, naive_bayes


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("words", "joint"), [(ENGLISH, " "), (CHINESE, "，"), (MIXED, " ")])
def test_naive_bayes_is_a_grid_search_of_scikit_learn(words: dict[str, list[str]], joint: str) -> None:
    train, rows = made_rows(240, 1, words, joint), made_rows(80, 2, words, joint)
    answers, got = naive_bayes(train, rows, LABELS, seed=3)
    search = GridSearchCV(
        make_pipeline(
            CountVectorizer(ngram_range=(1, 2), tokenizer=words_of_jieba, token_pattern=None), MultinomialNB()
        ),
        {"multinomialnb__alpha": list(ALPHAS)},
        cv=StratifiedKFold(5, shuffle=True, random_state=3),
    )
    search.fit(texts_of(train), ids_of(train))
    assert np.allclose(got, search.predict_proba(texts_of(rows)))
    assert answers.tolist() == got.argmax(axis=1).tolist()
    assert accuracy(got, rows) > 0.5


def words_of_jieba(text: str) -> list[str]:
    return [word for word in jieba.lcut(text) if re.fullmatch(r"\w+", word)]


def test_the_language_can_be_forced() -> None:
    train, rows = made_rows(60, 1, CHINESE, ""), made_rows(20, 2, CHINESE, "")
    auto, forced, english = (
        naive_bayes(train, rows, LABELS, language=language).probabilities_NC for language in ("auto", "zh", "en")
    )
    assert np.array_equal(auto, forced)
    assert not np.array_equal(auto, english)


def test_the_answers_of_the_rows_are_not_looked_at() -> None:
    train, rows = made_rows(60, 1, ENGLISH), made_rows(20, 2, ENGLISH)
    blind = [Example(e.fields, None, e.where) for e in rows]
    one, other = (naive_bayes(train, asked, LABELS).probabilities_NC for asked in (rows, blind))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.filterwarnings("error")
def test_tiny_train_gives_probabilities(count: int) -> None:
    table = naive_bayes(made_rows(count, 1, ENGLISH), made_rows(4, 2, ENGLISH), LABELS).probabilities_NC
    assert table.shape == (4, 3)
    assert np.allclose(table.sum(axis=1), 1)


def test_a_label_that_train_lacks_has_probability_zero() -> None:
    train = [e for e in made_rows(50, 1, ENGLISH) if e.answer != "odd"]
    assert (naive_bayes(train, made_rows(5, 2, ENGLISH), LABELS).probabilities_NC[:, 2] == 0).all()


def test_texts_without_a_word_fall_back_to_the_label_shares() -> None:
    train = [Example({"text": "!!!"}, "bad", "a:1"), Example({"text": "..."}, "bad", "a:2")]
    rows = [Example({"text": "?"}, None, "b:1")]
    assert naive_bayes(train, rows, LABELS).probabilities_NC.tolist() == [[0, 1, 0]]


def test_no_rows_to_answer() -> None:
    assert naive_bayes(made_rows(9, 1, ENGLISH), [], LABELS).probabilities_NC.shape == (0, 3)


def test_no_training_rows_is_an_error() -> None:
    with pytest.raises(TrimtabError) as error:
        naive_bayes([], [], LABELS)
    assert str(error.value) == "A baseline needs training rows, and there are none. Give `data.train`."
