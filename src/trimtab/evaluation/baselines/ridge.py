"""Ridge regression over TF-IDF. Knows nothing about language models.

N rows, F features (n-grams). scikit-learn is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example, NumberExample
from trimtab.evaluation.baselines.folds import FOLDS
from trimtab.evaluation.baselines.mean import mean_number
from trimtab.evaluation.scores.gold import numbers_of
from trimtab.evaluation.text.words import Language, are_chinese, joined_fields, words

ALPHAS = (1.0, 0.3, 0.1, 3.0, 10.0)


def ridge(
    train: Sequence[NumberExample],
    examples: Sequence[Example],
    *,
    language: Language = "auto",
    seed: int = 0,
) -> NDArray[np.float64]:
    """Ridge regression (Hoerl & Kennard 1970) on TF-IDF of uni- and bigrams.

    The n-grams are of characters for Chinese and of words otherwise; `auto` goes by the share of Chinese characters in
    train. The fields of an example are joined. The penalty is chosen by cross-validated squared error on train alone.

    Args:
        train: examples with answers.
        examples: the N examples to answer; their answers are not looked at.
        language: language of the texts.
        seed: seed of the folds.

    Returns:
        Numbers of shape (N,).

    Raises:
        TrimtabError: a number of train is missing.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge

    numbers_N = numbers_of(train)
    texts = [joined_fields(example) for example in train]
    if are_chinese(texts, language):
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), analyzer="char", sublinear_tf=True)
    else:
        vectorizer = TfidfVectorizer(
            ngram_range=(1, 2), tokenizer=words, lowercase=False, token_pattern=None, sublinear_tf=True
        )
    try:
        values_NF = vectorizer.fit_transform(texts)
    except ValueError:  # scikit-learn's way to say that train has not a single n-gram
        return mean_number(train, examples)
    if not examples:
        return np.zeros(0)
    alpha = best_alpha(ALPHAS, "sparse_cg", values_NF, numbers_N, seed)
    model = Ridge(alpha=alpha, solver="sparse_cg").fit(values_NF, numbers_N)
    found: NDArray[np.float64] = model.predict(vectorizer.transform([joined_fields(example) for example in examples]))
    return found


def best_alpha(
    alphas: Sequence[float], solver: str, values_NF: Any, numbers_N: NDArray[np.float64], seed: int
) -> float:
    """The penalty of a ridge regression with the least cross-validated squared error; of equals, the first."""
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold

    folds = min(FOLDS, len(numbers_N))
    if folds < 2:
        return alphas[0]
    errors = dict.fromkeys(alphas, 0.0)
    for inside, outside in KFold(folds, shuffle=True, random_state=seed).split(values_NF):
        for alpha in alphas:
            model = Ridge(alpha=alpha, solver=solver).fit(values_NF[inside], numbers_N[inside])
            errors[alpha] += float(((model.predict(values_NF[outside]) - numbers_N[outside]) ** 2).sum())
    return min(errors, key=lambda alpha: errors[alpha])
