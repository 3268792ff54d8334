"""Scores of predicted numbers against the numbers that are right, and baselines. Knows nothing about prompts or files.

N rows, F features (n-grams). scikit-learn is imported when a baseline is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.labels import RESAMPLES, Floats, Interval, shortened
from trimtab.evaluation.text.words import CJK_SHARE, cjk_share

POINTS = 500
ALPHAS = (1.0, 0.3, 0.1, 3.0, 10.0)
FOLDS = 5


@dataclass(frozen=True)
class NumberMistake:
    """A row whose number is far off: its place of origin, its fields (long texts shortened), both numbers."""

    where: str
    fields: dict[str, str]
    answer: float
    predicted: float


@dataclass(frozen=True)
class NumberScores:
    """How well N predicted numbers fit the right ones.

    Attributes:
        rows: N.
        pearson: Pearson's correlation; None where either side is constant.
        spearman: Spearman's correlation (Pearson's of the ranks, ties sharing their mean rank); None likewise.
        rmse: root of the mean squared error, in the numbers' own unit.
        mae: mean absolute error, likewise.
        intervals: 95% percentile bootstrap intervals (Efron 1979) of those that are not None.
        points: (right, predicted) of the rows, of a seeded sample of 500 where there are more.
        mistakes: the rows furthest off, the worst first.
    """

    rows: int
    pearson: float | None
    spearman: float | None
    rmse: float
    mae: float
    intervals: dict[str, Interval]
    points: list[tuple[float, float]]
    mistakes: list[NumberMistake]


def score_numbers(examples: Sequence[Example], predicted_N: Floats, *, seed: int = 0, worst: int = 20) -> NumberScores:
    """Score predicted numbers against the answers of N examples.

    Args:
        examples: N examples whose answers are numbers.
        predicted_N: the numbers predicted.
        seed: seed of the bootstrap.
        worst: the most mistakes to keep.

    Raises:
        TrimtabError: no examples; an answer that is missing; a prediction that is not finite.
    """
    if not examples:
        raise TrimtabError("There are no examples to score.", "Check that the data file has rows.")
    right_N = numbers_of(examples)
    if not np.isfinite(predicted_N).all():
        where = examples[int(np.argmin(np.isfinite(predicted_N)))].where
        raise TrimtabError(
            f"{where}: the number predicted for this row is not finite.",
            "If training has diverged, lower `train.rate`.",
        )
    random = np.random.default_rng(seed)
    scores = _scores(right_N, predicted_N)
    resampled = [_scores(right_N[i_N], predicted_N[i_N]) for i_N in _resamples(random, len(right_N))]
    intervals = {}
    for name, value in scores.items():
        values = [found for again in resampled if (found := again[name]) is not None]
        if value is not None and values:
            low, high = np.percentile(values, [2.5, 97.5])
            intervals[name] = Interval(float(low), float(high))
    shown = np.sort(random.permutation(len(right_N))[:POINTS])
    far_first = np.argsort(-np.abs(right_N - predicted_N), kind="stable")[:worst]
    rmse, mae = scores["rmse"], scores["mae"]
    assert rmse is not None
    assert mae is not None
    return NumberScores(
        rows=len(examples),
        pearson=scores["pearson"],
        spearman=scores["spearman"],
        rmse=rmse,
        mae=mae,
        intervals=intervals,
        points=[(float(right_N[n]), float(predicted_N[n])) for n in shown],
        mistakes=[
            NumberMistake(
                examples[n].where, {name: shortened(text) for name, text in examples[n].fields.items()},
                float(right_N[n]), float(predicted_N[n]),
            )
            for n in far_first if right_N[n] != predicted_N[n]
        ],
    )  # fmt: skip


def numbers_of(examples: Sequence[Example]) -> NDArray[np.float64]:
    """The right numbers (N,). Raises TrimtabError where one is missing."""
    for example in examples:
        if example.number is None:
            raise TrimtabError(f"{example.where}: this row has no number.", "Scoring needs rows with answers.")
    return np.array([example.number for example in examples], dtype=np.float64)


def mean_number(train: Sequence[Example], examples: Sequence[Example]) -> NDArray[np.float64]:
    """The mean of train, for every example."""
    return np.full(len(examples), numbers_of(train).mean())


def ridge(
    train: Sequence[Example],
    examples: Sequence[Example],
    *,
    language: Literal["auto", "en", "zh"] = "auto",
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
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge

    numbers_N = numbers_of(train)
    texts = [" ".join(example.fields.values()) for example in train]
    chinese = language == "zh" or (language == "auto" and cjk_share(texts) >= CJK_SHARE)
    if chinese:
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), analyzer="char", sublinear_tf=True)
    else:
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True)
    try:
        values_NF = vectorizer.fit_transform(texts)
    except ValueError:  # scikit-learn's way to say that train has not a single n-gram
        return mean_number(train, examples)
    if not examples:
        return np.zeros(0)
    alpha = best_alpha(ALPHAS, "sparse_cg", values_NF, numbers_N, seed)
    model = Ridge(alpha=alpha, solver="sparse_cg").fit(values_NF, numbers_N)
    found: NDArray[np.float64] = model.predict(vectorizer.transform([" ".join(e.fields.values()) for e in examples]))
    return found


def best_alpha(alphas: Sequence[float], solver: str, values_NF: Any, numbers_N: Floats, seed: int) -> float:
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


def _resamples(random: np.random.Generator, rows: int) -> Any:
    return (random.integers(rows, size=rows) for _ in range(RESAMPLES))


def _scores(right_N: Floats, predicted_N: Floats) -> dict[str, float | None]:
    off_N = predicted_N - right_N
    return {
        "pearson": _correlation(right_N, predicted_N),
        "spearman": _correlation(_ranks(right_N), _ranks(predicted_N)),
        "rmse": float(np.sqrt(np.mean(off_N**2))),
        "mae": float(np.mean(np.abs(off_N))),
    }


def _correlation(one_N: Floats, other_N: Floats) -> float | None:
    """Pearson's correlation, or None where a side is constant."""
    if np.ptp(one_N) == 0 or np.ptp(other_N) == 0:
        return None
    one_N, other_N = one_N - one_N.mean(), other_N - other_N.mean()
    return float(np.clip(one_N @ other_N / np.sqrt((one_N @ one_N) * (other_N @ other_N)), -1, 1))


def _ranks(values_N: Floats) -> Floats:
    """Ranks, ties sharing the mean of theirs."""
    _, group_N, counts = np.unique(values_N, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2)[group_N]
    return ranks
