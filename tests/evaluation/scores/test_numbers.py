"""Scores of numbers against SciPy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from made_answers import noisy, numbered
from scipy import stats
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from trimtab.data.example import NumberExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.scores.numbers import score_numbers


def test_scores_are_those_of_scipy_and_scikit_learn() -> None:
    right, predicted = noisy()
    scores = score_numbers(numbered(right), predicted)
    assert scores.rows == 80
    assert scores.pearson == pytest.approx(stats.pearsonr(right, predicted).statistic)
    assert scores.spearman == pytest.approx(stats.spearmanr(right, predicted).statistic)
    assert scores.rmse == pytest.approx(root_mean_squared_error(right, predicted))
    assert scores.mae == pytest.approx(mean_absolute_error(right, predicted))
    assert scores.points == list(zip(right, predicted, strict=True))
    worst = int(np.abs(right - predicted).argmax())
    assert (scores.mistakes[0].where, scores.mistakes[0].predicted) == (f"rows.jsonl:{worst + 1}", predicted[worst])


def test_intervals_are_those_of_scipys_bootstrap() -> None:
    right, predicted = noisy(200)
    scores = score_numbers(numbered(right), predicted)
    for name, statistic in {
        "pearson": lambda a, b: stats.pearsonr(a, b).statistic,
        "rmse": root_mean_squared_error,
    }.items():
        found = stats.bootstrap(
            (right, predicted), statistic, paired=True, vectorized=False, method="percentile", n_resamples=1000,
            rng=np.random.default_rng(1),
        ).confidence_interval  # fmt: skip
        wide = found.high - found.low
        assert scores.intervals[name].low == pytest.approx(found.low, abs=0.15 * wide)
        assert scores.intervals[name].high == pytest.approx(found.high, abs=0.15 * wide)


def test_constant_predictions_have_no_correlation() -> None:
    scores = score_numbers(numbered(np.array([1.0, 2.0, 4.0])), np.full(3, 2.0))
    assert (scores.pearson, scores.spearman, set(scores.intervals)) == (None, None, {"rmse", "mae"})


def test_many_rows_show_a_sample_of_points() -> None:
    right, predicted = noisy(1200)
    scores = score_numbers(numbered(right), predicted, worst=3)
    assert (len(scores.points), len(scores.mistakes)) == (500, 3)
    assert set(scores.points) <= set(zip(right, predicted, strict=True))


def test_what_cannot_be_scored() -> None:
    with pytest.raises(TrimtabError) as caught:
        score_numbers([NumberExample({"text": "x"}, None, "rows.jsonl:7")], np.zeros(1))
    assert str(caught.value) == "rows.jsonl:7: this row has no number. Scoring needs rows with answers."
    with pytest.raises(TrimtabError) as caught:
        score_numbers(numbered(np.array([1.0, 2.0])), np.array([1.0, np.nan]))
    assert str(caught.value) == (
        "rows.jsonl:2: the number predicted for this row is not finite. If training has diverged, lower `train.rate`."
    )
    with pytest.raises(TrimtabError) as caught:
        score_numbers([], np.zeros(0))
    assert str(caught.value) == "There are no examples to score. Check that the data file has rows."
