"""Logistic regression over TF-IDF and over word vectors against scikit-learn's own pipelines and gensim's own means."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import jieba
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from gensim.models import KeyedVectors
from made_rows import CHINESE, ENGLISH, LABELS, LONGEST, MIXED, accuracy, ids_of, made_rows, texts_of
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.classic import (
    TFIDF_STRENGTHS,
    VECTOR_ALPHAS,
    VECTOR_STRENGTHS,
    read_word_vectors,
    tfidf_logistic,
    word_vector_logistic,
    word_vector_ridge,
)
from trimtab.evaluation.baselines.naive_bayes import majority

WORDS = sorted({word for group in ENGLISH.values() for word in group} - {"hm"})  # `hm` has no vector
FOLDS = StratifiedKFold(5, shuffle=True, random_state=3)


@pytest.fixture(scope="module")
def vectors() -> KeyedVectors:
    keyed = KeyedVectors(8)
    keyed.add_vectors(WORDS, np.random.default_rng(0).normal(size=(len(WORDS), 8)).astype(np.float32))
    return keyed


@pytest.fixture(params=["tfidf", "vectors"])
def way(request: pytest.FixtureRequest, vectors: KeyedVectors) -> object:
    if request.param == "tfidf":
        return tfidf_logistic
    return lambda *arguments, **settings: word_vector_logistic(*arguments, vectors=vectors, **settings)


def words_of_jieba(text: str) -> list[str]:
    return [word for word in jieba.lcut(text) if re.fullmatch(r"\w+", word)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("words", "joint"), [(ENGLISH, " "), (CHINESE, "，"), (MIXED, " ")])
def test_tfidf_is_a_grid_search_of_scikit_learn(words: dict[str, list[str]], joint: str) -> None:
    train, rows = made_rows(240, 1, words, joint), made_rows(80, 2, words, joint)
    got = tfidf_logistic(train, rows, LABELS, seed=3)
    search = GridSearchCV(
        make_pipeline(
            TfidfVectorizer(tokenizer=words_of_jieba, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True),
            OneVsRestClassifier(
                LogisticRegression(solver="liblinear", dual=True, tol=0.1, max_iter=1000, random_state=3)
            ),
        ),
        {"onevsrestclassifier__estimator__C": list(TFIDF_STRENGTHS)},
        cv=FOLDS,
    )
    search.fit(texts_of(train), ids_of(train))
    np.testing.assert_allclose(got, search.predict_proba(texts_of(rows)))
    assert accuracy(got, rows) > 0.5


@pytest.mark.filterwarnings("error")
def test_word_vectors_are_a_grid_search_over_means_of_gensim(vectors: KeyedVectors) -> None:
    train, rows = made_rows(240, 1, ENGLISH), made_rows(80, 2, ENGLISH)
    got = word_vector_logistic(train, rows, LABELS, vectors=vectors, seed=3)

    def means(examples: list[Example]) -> np.ndarray:
        return np.stack([vectors.get_mean_vector(text.split(), pre_normalize=False) for text in texts_of(examples)])

    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        {"logisticregression__C": list(VECTOR_STRENGTHS)},
        cv=FOLDS,
    )
    search.fit(means(train), ids_of(train))
    np.testing.assert_allclose(got, search.predict_proba(means(rows)), atol=1e-4)
    assert accuracy(got, rows) > 0.5


def test_a_text_without_a_known_word_gets_the_label_shares(vectors: KeyedVectors) -> None:
    train = [*made_rows(60, 1, ENGLISH), Example({"text": "qwerty"}, "odd", "a:1")]
    rows = [Example({"text": text}, None, "b:1") for text in ("hm qwerty", "Great, lovely!", "😀")]
    got = word_vector_logistic(train, rows, LABELS, vectors=vectors)
    shares = majority(train, rows[:1], LABELS)[0]
    np.testing.assert_array_equal(got[[0, 2]], [shares, shares])
    assert LABELS[got[1].argmax()] == "good"
    of_known = word_vector_logistic(train[:-1], rows[1:2], LABELS, vectors=vectors)
    np.testing.assert_array_equal(got[1], of_known[0])


def test_chinese_texts_have_no_word_vectors(vectors: KeyedVectors) -> None:
    with pytest.raises(TrimtabError) as caught:
        word_vector_logistic(made_rows(20, 1, CHINESE, ""), [], LABELS, vectors=vectors)
    assert str(caught.value) == (
        "The word vectors are of English words, and the training texts are Chinese. "
        "Leave this way out; logistic regression over TF-IDF segments Chinese."
    )
    train = made_rows(60, 1, ENGLISH)
    with pytest.raises(TrimtabError):
        word_vector_logistic(train, train, LABELS, vectors=vectors, language="zh")
    chinese = [Example({"text": "好吃"}, None, "b:1")]
    got = word_vector_logistic(train, chinese, LABELS, vectors=vectors)
    np.testing.assert_array_equal(got, majority(train, chinese, LABELS))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_tiny_train_gives_probabilities(way: object, count: int) -> None:
    table = way(made_rows(count, 1, ENGLISH), made_rows(4, 2, ENGLISH), LABELS)  # type: ignore[operator]
    assert table.shape == (4, 3)
    np.testing.assert_allclose(table.sum(axis=1), 1)


@pytest.mark.filterwarnings("error")
def test_one_class_no_words_no_rows_and_a_missing_label(way: object) -> None:
    train, rows = made_rows(60, 1, ENGLISH), made_rows(5, 2, ENGLISH)
    one = [example for example in train if example.answer == "bad"]
    assert way(one, rows, LABELS).tolist() == [[0, 1, 0]] * 5  # type: ignore[operator]
    two = [example for example in train if example.answer != "odd"]
    assert (way(two, rows, LABELS)[:, 2] == 0).all()  # type: ignore[operator]
    silent = [Example({"text": "…"}, label, "a:1") for label in ("bad", "bad", "good")]
    np.testing.assert_allclose(way(silent, rows, LABELS), [[1 / 3, 2 / 3, 0]] * 5)  # type: ignore[operator]
    assert way(train, [], LABELS).shape == (0, 3)  # type: ignore[operator]


def test_bad_train_is_an_error(way: object) -> None:
    with pytest.raises(TrimtabError) as caught:
        way([], [], LABELS)  # type: ignore[operator]
    assert str(caught.value) == "A baseline needs training rows, and there are none. Give `data.train`."
    with pytest.raises(TrimtabError) as caught:
        way([Example({"text": "fine"}, "god", "train.csv:7")], [], LABELS)  # type: ignore[operator]
    assert str(caught.value) == "train.csv:7: label 'god' is not one of good, bad, odd. Did you mean 'good'?"


def test_the_same_every_time_and_blind_to_answers(way: object) -> None:
    train, rows = made_rows(60, 1, ENGLISH), made_rows(20, 2, ENGLISH)
    blind = [Example(example.fields, None, example.where) for example in rows]
    assert np.array_equal(way(train, rows, LABELS, seed=5), way(train, blind, LABELS, seed=5))  # type: ignore[operator]


def test_very_long_and_odd_texts(way: object) -> None:
    rows = [Example({"text": text}, None, "b:1") for text in (LONGEST, "", "😀\ud800\u200d", "\x00", " fine ")]
    long = Example({"text": LONGEST}, "bad", "a:1")
    table = way([*made_rows(40, 1, ENGLISH), long], rows, LABELS)  # type: ignore[operator]
    np.testing.assert_allclose(table.sum(axis=1), 1)


def test_word_vectors_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.save(tmp_path / "vectors.npy", written)
    pyarrow.parquet.write_table(pa.table({"index": ["the", ",", "null", "naïve"]}), tmp_path / "words.parquet")
    read = read_word_vectors(tmp_path)
    np.testing.assert_array_equal(read["null"], written[2])
    np.testing.assert_array_equal(
        read.get_mean_vector(["the", "naïve"], pre_normalize=False), written[[0, 3]].mean(axis=0)
    )
    assert "NULL" not in read


def in_numbers(rows: list[Example], seed: int) -> list[Example]:
    """The same rows with numbers that their labels say something of."""
    noise = np.random.default_rng(seed).normal(0, 0.5, len(rows))
    return [replace(row, number=LABELS.index(row.answer or "") + float(x)) for row, x in zip(rows, noise, strict=True)]


def test_ridge_on_word_vectors_is_a_grid_search_of_scikit_learn(vectors: KeyedVectors) -> None:
    train, rows = in_numbers(made_rows(120, 1, ENGLISH), 1), in_numbers(made_rows(60, 2, ENGLISH), 2)
    nothing = Example({"text": "hm"}, "0", "x:1", number=0.0)
    got = word_vector_ridge([*train, nothing], [*rows, nothing], vectors=vectors, seed=3)

    def means(examples: list[Example]) -> np.ndarray:
        texts = [[w for w in re.findall(r"\w+", e.fields["text"].lower()) if w in vectors] for e in examples]
        return np.stack([vectors.get_mean_vector(text, pre_normalize=False) for text in texts])

    inside, answers = means(train), [row.number for row in train]
    scaled = StandardScaler().fit(inside)
    search = GridSearchCV(
        Ridge(), {"alpha": VECTOR_ALPHAS}, cv=KFold(5, shuffle=True, random_state=3), scoring="neg_mean_squared_error"
    ).fit(scaled.transform(inside), answers)
    np.testing.assert_allclose(got[:-1], search.predict(scaled.transform(means(rows))), rtol=1e-4)
    assert got[-1] == pytest.approx(np.mean([*answers, 0.0]))  # of a row without a known word: the mean of train


def test_ridge_on_word_vectors_refuses_chinese(vectors: KeyedVectors) -> None:
    rows = in_numbers(made_rows(10, 1, CHINESE, "，"), 1)
    with pytest.raises(TrimtabError) as caught:
        word_vector_ridge(rows, rows, vectors=vectors)
    assert str(caught.value) == (
        "The word vectors are of English words, and the training texts are Chinese. "
        "Leave this way out; ridge regression on TF-IDF takes them."
    )
