"""What both classifiers do where there is little to go by: hardly any rows, one class, no words, no rows, odd texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from made_rows import ENGLISH, LABELS, LONGEST, made_rows, vectors_of_words

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.tfidf import tfidf_logistic
from trimtab.evaluation.baselines.word_vector_logistic import word_vector_logistic

Way = Callable[..., np.ndarray]


def _tfidf(*arguments: Any, **settings: Any) -> np.ndarray:
    return tfidf_logistic(*arguments, **settings).probabilities_NC


def _word_vectors(*arguments: Any, **settings: Any) -> np.ndarray:
    return word_vector_logistic(*arguments, vectors=vectors_of_words(), **settings).probabilities_NC


@pytest.fixture(params=[_tfidf, _word_vectors], ids=["tfidf", "vectors"])
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_tiny_train_gives_probabilities(way: Way, count: int) -> None:
    table = way(made_rows(count, 1, ENGLISH), made_rows(4, 2, ENGLISH), LABELS)
    assert table.shape == (4, 3)
    np.testing.assert_allclose(table.sum(axis=1), 1)


@pytest.mark.filterwarnings("error")
def test_one_class_no_words_no_rows_and_a_missing_label(way: Way) -> None:
    train, rows = made_rows(60, 1, ENGLISH), made_rows(5, 2, ENGLISH)
    one = [example for example in train if example.answer == "bad"]
    assert way(one, rows, LABELS).tolist() == [[0, 1, 0]] * 5
    two = [example for example in train if example.answer != "odd"]
    assert (way(two, rows, LABELS)[:, 2] == 0).all()
    silent = [Example({"text": "…"}, label, "a:1") for label in ("bad", "bad", "good")]
    np.testing.assert_allclose(way(silent, rows, LABELS), [[1 / 3, 2 / 3, 0]] * 5)
    assert way(train, [], LABELS).shape == (0, 3)


def test_bad_train_is_an_error(way: Way) -> None:
    with pytest.raises(TrimtabError) as caught:
        way([], [], LABELS)
    assert str(caught.value) == "A baseline needs training rows, and there are none. Give `data.train`."
    with pytest.raises(TrimtabError) as caught:
        way([Example({"text": "fine"}, "god", "train.csv:7")], [], LABELS)
    assert str(caught.value) == "train.csv:7: label 'god' is not one of good, bad, odd. Did you mean 'good'?"


def test_the_same_every_time_and_blind_to_answers(way: Way) -> None:
    train, rows = made_rows(60, 1, ENGLISH), made_rows(20, 2, ENGLISH)
    blind = [Example(example.fields, None, example.where) for example in rows]
    assert np.array_equal(way(train, rows, LABELS, seed=5), way(train, blind, LABELS, seed=5))


def test_very_long_and_odd_texts(way: Way) -> None:
    rows = [Example({"text": text}, None, "b:1") for text in (LONGEST, "", "😀\ud800\u200d", "\x00", " fine ")]
    long = Example({"text": LONGEST}, "bad", "a:1")
    table = way([*made_rows(40, 1, ENGLISH), long], rows, LABELS)
    np.testing.assert_allclose(table.sum(axis=1), 1)


@pytest.mark.filterwarnings("error")
def test_hardly_more_rows_than_labels(way: Way) -> None:
    train = [Example({"text": f"good {i}"}, f"label {i}", "a:1") for i in range(24)] + made_rows(6, 1, ENGLISH)
    labels = [*LABELS, *(f"label {i}" for i in range(24))]
    np.testing.assert_allclose(way(train, made_rows(4, 2, ENGLISH), labels).sum(axis=1), 1)
