"""A classifier a label: what it learns, against scikit-learn's, and what it does where there is little to go by."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB

from label_set_rows import LABELS, examples_of, rows
from trimtab.data.example import MultiLabelExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.classifier import Recipe
from trimtab.evaluation.baselines.embedding_logistic import embedding_recipe
from trimtab.evaluation.baselines.naive_bayes import naive_bayes_recipe
from trimtab.evaluation.baselines.ngram_logistic import ngram_recipe
from trimtab.evaluation.baselines.one_vs_rest import one_vs_rest
from trimtab.evaluation.baselines.tfidf import tfidf_recipe
from trimtab.evaluation.scores.multilabel import score_label_sets


def lengths(texts: list[str]) -> np.ndarray:
    """Stands in for an encoder: how often each of the words of labels stands in a text."""
    return np.array([[text.split().count(w) for w in ("great", "cold", "bad", "boring", "warm", "awful")]
                     for text in texts], dtype=np.float32)  # fmt: skip


RECIPES = {
    "naive Bayes": naive_bayes_recipe("auto"),
    "TF-IDF": tfidf_recipe("auto", 0),
    "n-grams": ngram_recipe("auto", 0),
    "embeddings": embedding_recipe(lengths),
}


@pytest.mark.parametrize("name", RECIPES)
def test_labels_that_words_give_away_are_learnt(name: str) -> None:
    train, judged = examples_of(rows(60, 1)), examples_of(rows(30, 2))
    blind = [MultiLabelExample(example.fields, None, example.where) for example in judged]
    found = one_vs_rest(train, blind, LABELS, RECIPES[name])
    assert score_label_sets(judged, found, LABELS).micro_f1 > 0.8


def test_few_rows_are_those_of_scikit_learn_from_a_half_on() -> None:
    """Nothing is chosen from nine rows: the first strength, and a half."""
    train, judged = examples_of(rows(9, 1)), examples_of(rows(20, 2))
    vectorizer = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+")
    texts = [[example.fields["text"] for example in part] for part in (train, judged)]
    right = np.array([[label in (example.labels or ()) for label in LABELS] for example in train])
    oracle = OneVsRestClassifier(MultinomialNB(alpha=1.0)).fit(vectorizer.fit_transform(texts[0]), right.astype(int))
    table = oracle.predict_proba(vectorizer.transform(texts[1])) >= 0.5
    expected = [tuple(label for label, own in zip(LABELS, row, strict=True) if own) for row in table]
    assert one_vs_rest(train, judged, LABELS, RECIPES["naive Bayes"]) == expected


def test_labels_of_all_rows_or_of_none_and_rows_without_a_word() -> None:
    sets = [("a", "b") if i % 2 else ("a",) for i in range(20)]
    train = [
        MultiLabelExample({"text": "warm" if "b" in own else "cold"}, "", "r:1", labels=own) for own in sets
    ]  # fmt: skip
    judged = [MultiLabelExample({"text": text}, None, "r:2") for text in ("warm", "cold", "")]
    found = one_vs_rest(train, judged, ["a", "b", "c"], RECIPES["TF-IDF"])
    assert found == [("a", "b"), ("a",), ("a", "b")]
    assert one_vs_rest(train, [], ["a", "b"], RECIPES["TF-IDF"]) == []
    silent = Recipe(lambda texts: [None] * len(texts), lambda: None, lambda strength: None, (1.0,))
    assert one_vs_rest(train, judged[:1], ["a", "b"], silent) == [("a", "b")]


def test_train_without_rows_is_an_error() -> None:
    with pytest.raises(TrimtabError) as caught:
        one_vs_rest([], [], LABELS, RECIPES["TF-IDF"])
    assert str(caught.value) == "A baseline needs training rows, and there are none. Give `data.train`."
