"""Logistic regression over word vectors. Knows nothing about language models.

Shapes: N rows, C classes, D numbers of a word vector. scikit-learn is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.data.example import Example
from trimtab.evaluation.baselines.class_answers import ClassAnswers
from trimtab.evaluation.baselines.classifier import Recipe, classify
from trimtab.evaluation.baselines.word_vectors import (
    KeyedVectors,
    language_of,
    mean_vector,
    refuse_chinese,
)
from trimtab.evaluation.text.words import Language

# Inverse strengths of the L2 penalty.
STRENGTHS = (0.1, 0.01, 1.0, 10.0)


def word_vector_logistic(
    train: Sequence[Example],
    examples: Sequence[Example],
    labels: Sequence[str],
    *,
    vectors: KeyedVectors,
    language: Language = "auto",
    seed: int = 0,
) -> ClassAnswers:
    """Logistic regression over the mean of a text's word vectors (Pennington et al. 2014).

    Words without a vector are skipped. The D numbers are standardised on train. The penalty is chosen by
    cross-validated accuracy on train alone; where train is too small for that, C is 0.1. A row of which no word has a
    vector gets the label shares of train, and is not trained on.

    Args:
        train: labelled examples.
        examples: the N examples to answer; their answers are not looked at.
        labels: the C labels, in the order of the columns.
        vectors: vectors of words in lower case, as `read_word_vectors` or `open_vectors` gives them.
        language: language of the texts.
        seed: seed of the folds.

    Returns:
        A label that train lacks has probability 0.

    Raises:
        TrimtabError: train is empty, or has an answer that is missing or not one of the labels; the texts are
            Chinese, and no Chinese word has a vector.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    refuse_chinese(train, language, vectors, "logistic regression over TF-IDF segments Chinese")
    cut_as = language_of(vectors)
    recipe = Recipe(
        features=lambda texts: [mean_vector(text, vectors, cut_as) for text in texts],
        transformer=StandardScaler,
        classifier=lambda strength: LogisticRegression(C=strength, max_iter=1000),
        strengths=STRENGTHS,
    )
    return classify(train, examples, labels, recipe, seed)
