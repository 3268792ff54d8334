"""Ridge regression over word vectors. Knows nothing about language models.

Shapes: N rows, D numbers of a word vector. scikit-learn is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example, NumberExample
from trimtab.evaluation.baselines.mean import mean_number
from trimtab.evaluation.baselines.ridge import best_alpha
from trimtab.evaluation.baselines.word_vectors import (
    KeyedVectors,
    language_of,
    mean_vector,
    refuse_chinese,
)
from trimtab.evaluation.scores.gold import numbers_of
from trimtab.evaluation.text.words import Language, joined_fields

# Penalties on standardised numbers.
ALPHAS = (100.0, 10.0, 1000.0, 1.0)


def word_vector_ridge(
    train: Sequence[NumberExample],
    examples: Sequence[Example],
    *,
    vectors: KeyedVectors,
    language: Language = "auto",
    seed: int = 0,
) -> NDArray[np.float64]:
    """Ridge regression (Hoerl & Kennard 1970) on the mean of a text's word vectors, as `word_vector_logistic` has it.

    The penalty is chosen by cross-validated squared error on train alone. A row of which no word has a vector gets the
    mean of train, and is not trained on.

    Args:
        train: examples with numbers.
        examples: the N examples to answer; their answers are not looked at.
        vectors, language, seed: as in `word_vector_logistic`.

    Returns:
        Numbers of shape (N,).

    Raises:
        TrimtabError: a number is missing; the texts are Chinese, and no Chinese word has a vector.
    """
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    refuse_chinese(train, language, vectors, "ridge regression on TF-IDF takes them")
    numbers_N = mean_number(train, examples)
    cut_as = language_of(vectors)
    given, asked = (
        [mean_vector(joined_fields(example), vectors, cut_as) for example in part] for part in (train, examples)
    )
    known = [n for n, row in enumerate(given) if row is not None]
    answerable = [n for n, row in enumerate(asked) if row is not None]
    if len(known) < 2 or not answerable:
        return numbers_N
    scaler = StandardScaler()
    inside_ND, right_N = scaler.fit_transform([given[n] for n in known]), numbers_of([train[n] for n in known])
    alpha = best_alpha(ALPHAS, "auto", inside_ND, right_N, seed)
    model = Ridge(alpha=alpha).fit(inside_ND, right_N)
    numbers_N[answerable] = model.predict(scaler.transform([asked[n] for n in answerable]))
    return numbers_N
