"""Naive Bayes against scikit-learn's own pipeline; majority by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation import majority, naive_bayes
from trimtab.evaluation.baselines import ALPHAS, cjk_share

LABELS = ["good", "bad", "odd"]


def made_rows(count: int, seed: int, words: dict[str, list[str]], joint: str = " ") -> list[Example]:
    random = np.random.default_rng(seed)
    every = sorted({word for group in words.values() for word in group})
    examples = []
    for n in range(count):
        label = str(random.choice(list(words)))
        text = joint.join([*random.choice(words[label], 2), *random.choice(every, 6)])
        examples.append(Example({"text": text}, label, f"made:{n}"))
    return examples


ENGLISH = {"good": ["fine", "great", "lovely", "fresh"], "bad": ["dull", "slow", "cold", "late"], "odd": ["a", "hm"]}
CHINESE = {"good": ["好吃", "新鲜", "很快"], "bad": ["难吃", "太慢", "凉了"], "odd": ["一般", "还行"]}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("words", "joint", "analyzer"), [(ENGLISH, " ", "word"), (CHINESE, "", "char")])
def test_naive_bayes_is_a_grid_search_of_scikit_learn(words: dict[str, list[str]], joint: str, analyzer: str) -> None:
    train, rows = made_rows(240, 1, words, joint), made_rows(80, 2, words, joint)
    got = naive_bayes(train, rows, LABELS, seed=3)
    settings = {"analyzer": "char"} if analyzer == "char" else {"token_pattern": r"(?u)\b\w+\b"}
    vectorizer = CountVectorizer(ngram_range=(1, 2), **settings)
    search = GridSearchCV(
        make_pipeline(vectorizer, MultinomialNB()),
        {"multinomialnb__alpha": list(ALPHAS)},
        cv=StratifiedKFold(5, shuffle=True, random_state=3),
    )
    search.fit([e.fields["text"] for e in train], [LABELS.index(str(e.answer)) for e in train])
    assert np.allclose(got, search.predict_proba([e.fields["text"] for e in rows]))
    assert np.mean([LABELS[c] == e.answer for c, e in zip(got.argmax(axis=1), rows, strict=True)]) > 0.55


def test_the_language_can_be_forced() -> None:
    train, rows = made_rows(60, 1, CHINESE, ""), made_rows(20, 2, CHINESE, "")
    assert np.array_equal(naive_bayes(train, rows, LABELS), naive_bayes(train, rows, LABELS, language="zh"))
    assert not np.array_equal(naive_bayes(train, rows, LABELS), naive_bayes(train, rows, LABELS, language="en"))


def test_the_answers_of_the_rows_are_not_looked_at() -> None:
    train, rows = made_rows(60, 1, ENGLISH), made_rows(20, 2, ENGLISH)
    blind = [Example(e.fields, None, e.where) for e in rows]
    assert np.array_equal(naive_bayes(train, rows, LABELS), naive_bayes(train, blind, LABELS))


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.filterwarnings("error")
def test_tiny_train_gives_probabilities(count: int) -> None:
    table = naive_bayes(made_rows(count, 1, ENGLISH), made_rows(4, 2, ENGLISH), LABELS)
    assert table.shape == (4, 3)
    assert np.allclose(table.sum(axis=1), 1)


def test_a_label_that_train_lacks_has_probability_zero() -> None:
    train = [e for e in made_rows(50, 1, ENGLISH) if e.answer != "odd"]
    assert (naive_bayes(train, made_rows(5, 2, ENGLISH), LABELS)[:, 2] == 0).all()


def test_texts_without_a_word_fall_back_to_the_label_shares() -> None:
    train = [Example({"text": "!!!"}, "bad", "a:1"), Example({"text": "..."}, "bad", "a:2")]
    rows = [Example({"text": "?"}, None, "b:1")]
    assert naive_bayes(train, rows, LABELS).tolist() == [[0, 1, 0]]


def test_no_rows_to_answer() -> None:
    assert naive_bayes(made_rows(9, 1, ENGLISH), [], LABELS).shape == (0, 3)


def test_majority_gives_the_shares_of_train() -> None:
    train = [Example({}, label, "a:1") for label in ("bad", "bad", "good", "bad")]
    assert majority(train, train[:2], LABELS).tolist() == [[0.25, 0.75, 0], [0.25, 0.75, 0]]


@pytest.mark.parametrize("baseline", [majority, naive_bayes])
def test_no_training_rows_is_an_error(baseline: object) -> None:
    with pytest.raises(TrimtabError) as error:
        baseline([], [], LABELS)  # type: ignore[operator]
    assert str(error.value) == "A baseline needs training rows, and there are none. Give `data.train`."


def test_an_unknown_label_in_train_is_an_error() -> None:
    with pytest.raises(TrimtabError) as error:
        majority([Example({}, "god", "train.csv:7")], [], LABELS)
    assert str(error.value) == "train.csv:7: label 'god' is not one of good, bad, odd. Did you mean 'good'?"


def test_share_of_chinese_characters() -> None:
    assert cjk_share(["好吃 ab"]) == 0.5
    assert cjk_share(["123 !?"]) == 0.0
