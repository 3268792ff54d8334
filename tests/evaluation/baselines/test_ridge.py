"""Ridge regression against scikit-learn's own grid search, and on texts whose words are worth something."""

from __future__ import annotations

import numpy as np
import pytest
from made_answers import numbered
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold

from trimtab.evaluation.baselines.ridge import ALPHAS, ridge

ENGLISH, CHINESE = ("bad", "fair", "good", "great"), ("很差", "一般", "不错", "很好")


@pytest.mark.parametrize(("words", "shape"), [(ENGLISH, "the film is {} today"), (CHINESE, "这部电影{}啊")])
def test_ridge_learns_what_words_are_worth(words: tuple[str, ...], shape: str) -> None:
    numbers = np.arange(80) % 4 + 1.0
    texts = [shape.format(words[int(number) - 1]) for number in numbers]
    examples = numbered(numbers, texts)
    assert ridge(examples, examples[:4]) == pytest.approx([1, 2, 3, 4], abs=0.2)
    blank = numbered(np.array([1.0, 3.0]), ["", " "])
    assert ridge(blank, blank).tolist() == [2.0, 2.0]


def test_the_penalty_is_that_of_a_grid_search() -> None:
    random = np.random.default_rng(0)
    words = [f"w{i}" for i in range(30)]
    worth = dict(zip(words, random.normal(size=30), strict=True))
    texts = [" ".join(random.choice(words, 6)) for _ in range(100)]
    numbers = np.array([sum(worth[word] for word in text.split()) for text in texts]) + random.normal(0, 1, 100)
    features = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True).fit(texts)
    search = GridSearchCV(
        Ridge(solver="sparse_cg"), {"alpha": ALPHAS}, cv=KFold(5, shuffle=True, random_state=3),
        scoring="neg_mean_squared_error",
    ).fit(features.transform(texts), numbers)  # fmt: skip
    got = ridge(numbered(numbers, texts), numbered(numbers[:20], texts[:20]), seed=3)
    np.testing.assert_allclose(got, search.predict(features.transform(texts[:20])), rtol=1e-3)
    assert ridge(numbered(numbers, texts), []).shape == (0,)
