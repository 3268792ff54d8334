"""Thresholds against a search over every cut, scored by scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from trimtab.evaluation.scores.thresholds import best_thresholds, given_labels


def f1_by_hand(right_N: np.ndarray, given_N: np.ndarray) -> float:
    return float(2 * (right_N & given_N).sum() / (right_N.sum() + given_N.sum()))


@pytest.mark.parametrize("seed", range(3))
def test_no_cut_has_a_better_f1(seed: int) -> None:
    random = np.random.default_rng(seed)
    right_NC = random.random((60, 4)) < [0.2, 0.4, 0.5, 0.7]
    probabilities_NC = np.round(1 / (1 + np.exp(-random.normal(size=(60, 4)) - 2 * right_NC + 1.5)), seed + 1)
    found_C = best_thresholds(probabilities_NC, right_NC)
    given_NC = given_labels(probabilities_NC, found_C)
    for c in range(4):
        cuts = {*np.unique(probabilities_NC[:, c]), 0.5}
        best = max(f1_by_hand(right_NC[:, c], probabilities_NC[:, c] >= cut) for cut in cuts)
        assert f1_score(right_NC[:, c], given_NC[:, c]) == pytest.approx(best)
        assert 0 < found_C[c] < 1


def test_a_threshold_lies_between_two_rows_the_nearest_to_a_half_that_is_best() -> None:
    own = np.array([0.05] * 5 + [0.2] * 5)[:, None]
    assert best_thresholds(own, own > 0.1) == pytest.approx([0.125])
    high = np.array([0.9] * 5 + [0.95] * 5)[:, None]
    assert best_thresholds(high, high > 0.9) == pytest.approx([0.925])
    fair = np.array([0.3] * 5 + [0.9] * 5)[:, None]
    assert best_thresholds(fair, fair > 0.5).tolist() == [0.5]


def test_too_few_rows_with_a_label_or_without_it_leave_a_half() -> None:
    own = np.array([0.05] * 20 + [0.2] * 4)[:, None]
    assert best_thresholds(own, own > 0.1).tolist() == [0.5]
    assert best_thresholds(1 - own, own < 0.1).tolist() == [0.5]
    alike = np.full((20, 1), 0.3)
    assert best_thresholds(alike, np.arange(20)[:, None] < 10) == pytest.approx([0.15])


def test_certain_probabilities_have_thresholds_within_the_bounds() -> None:
    own = np.array([1.0] * 10 + [0.0] * 10)[:, None]
    assert best_thresholds(own, own > 0.5).tolist() == [0.5]
    none = np.zeros((20, 1))
    assert best_thresholds(none, np.arange(20)[:, None] < 10).tolist() == [0.5]
