"""Logistic regression over TF-IDF. Knows nothing about language models.

Shapes: N rows, C classes. scikit-learn is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.data.example import Example
from trimtab.evaluation.baselines.class_answers import ClassAnswers
from trimtab.evaluation.baselines.classifier import Recipe, classify
from trimtab.evaluation.text.words import Language, words

# Inverse strengths of the L2 penalty.
STRENGTHS = (10.0, 1.0, 100.0)


def tfidf_logistic(
    train: Sequence[Example],
    examples: Sequence[Example],
    labels: Sequence[str],
    *,
    language: Language = "auto",
    seed: int = 0,
) -> ClassAnswers:
    """Logistic regression over TF-IDF weights of word uni- and bigrams (Salton and Buckley 1988).

    Term counts are taken as 1 + log, rows scaled to length one; Chinese is segmented into words. Each label is told
    from all others, and the probabilities scaled to sum to one: for many labels far quicker than the softmax.
    The penalty is chosen by cross-validated accuracy on train alone; where train is too small for that, C is 10. A
    row without a word gets the label shares of train, and is not trained on.

    Args:
        train: labelled examples.
        examples: the N examples to answer; their answers are not looked at.
        labels: the C labels, in the order of the columns.
        language: language of the texts.
        seed: seed of the folds and of the solver.

    Returns:
        A label that train lacks has probability 0.

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels.
    """
    return classify(train, examples, labels, tfidf_recipe(language, seed), seed)


def tfidf_recipe(language: Language, seed: int) -> Recipe:
    """What the classifier of `tfidf_logistic` is made of."""
    counted = {"tokenizer": list, "lowercase": False, "token_pattern": None, "ngram_range": (1, 2)}
    return weighted_recipe(counted, language, seed)


def weighted_recipe(counted: Mapping[str, Any], language: Language, seed: int) -> Recipe:
    """Logistic regression over TF-IDF weights of whatever is counted of a text's words.

    Args:
        counted: how scikit-learn's `TfidfVectorizer` is to count, given a text as its words.
        language: language of the texts.
        seed: seed of the solver.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    return Recipe(
        features=lambda texts: [words(text, language) or None for text in texts],
        transformer=lambda: TfidfVectorizer(sublinear_tf=True, **counted),
        classifier=lambda strength: OneVsRestClassifier(
            LogisticRegression(C=strength, solver="liblinear", dual=True, tol=0.1, max_iter=1000, random_state=seed)
        ),
        strengths=STRENGTHS,
    )
