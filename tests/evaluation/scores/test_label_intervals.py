"""Intervals of the scores of labels: against SciPy's bootstrap, what they cover, rows that are drawn together."""

from __future__ import annotations

import numpy as np
import pytest
from made_answers import probabilities
from scipy import stats
from sklearn.metrics import f1_score

from trimtab.evaluation.interval.groups import Groups, each_alone
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.scores.calibration import calibration
from trimtab.evaluation.scores.label_intervals import label_intervals


def intervals(
    answers_N: np.ndarray, table_NC: np.ndarray, seed: int = 0, groups: Groups | None = None
) -> dict[str, Interval]:
    predicted_N = table_NC.argmax(axis=1)
    groups = groups or each_alone(len(answers_N))
    return label_intervals(answers_N, predicted_N, table_NC.max(axis=1), table_NC.shape[1], groups, seed)


def made(rows: int, classes: int, sharpness: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    answers_N = np.random.default_rng(seed).integers(classes, size=rows)
    return answers_N, probabilities(answers_N, classes, sharpness)


def test_they_agree_with_scipy_bootstrap() -> None:
    answers, table = made(250, 4, 1.5, seed=3)
    predicted = table.argmax(axis=1)
    got = intervals(answers, table)
    accuracy = stats.bootstrap(
        ((answers == predicted).astype(float),), np.mean, method="percentile", n_resamples=4000, rng=1
    ).confidence_interval
    assert got["accuracy"].low == pytest.approx(accuracy.low, abs=0.012)
    assert got["accuracy"].high == pytest.approx(accuracy.high, abs=0.012)
    macro_f1 = stats.bootstrap(
        (answers, predicted),
        lambda a, p: f1_score(a, p, average="macro"),
        method="percentile",
        n_resamples=400,
        paired=True,
        vectorized=False,
        rng=1,
    ).confidence_interval
    assert got["macro_f1"].low == pytest.approx(macro_f1.low, abs=0.02)
    assert got["macro_f1"].high == pytest.approx(macro_f1.high, abs=0.02)


def test_the_interval_of_a_calibration_error_holds_the_estimate() -> None:
    random = np.random.default_rng(3)
    for rows in (30, 400):
        sure = random.uniform(0.5, 1, rows)
        right = random.random(rows) < sure  # calibrated but for chance
        table = np.where(right[:, None], np.stack([sure, 1 - sure], 1), np.stack([1 - sure, sure], 1))
        _, error = calibration(sure, right)
        got = intervals(np.zeros(rows, dtype=int), table)["calibration_error"]
        assert 0 <= got.low <= error <= got.high < 1


def test_the_interval_covers_the_true_accuracy_about_95_times_in_100() -> None:
    random, covered = np.random.default_rng(5), 0
    for trial in range(40):
        right = random.random(200) < 0.8
        table = np.where(right[:, None], [[0.9, 0.1]], [[0.1, 0.9]])
        interval = intervals(np.zeros(200, dtype=int), table, seed=trial)["accuracy"]
        covered += interval.low <= 0.8 <= interval.high
    assert covered >= stats.binom.ppf(0.001, 40, 0.94)


def test_the_bootstrap_is_seeded() -> None:
    answers, table = made(100, 2, 1.0)
    assert intervals(answers, table, seed=4) == intervals(answers, table, seed=4)
    assert intervals(answers, table, seed=4) != intervals(answers, table, seed=5)


def test_the_order_of_rows_does_not_count() -> None:
    """Wilson's interval to the last digit; of resamples as near as other draws come."""
    answers, table = made(300, 3, 1.5)
    order = np.random.default_rng(1).permutation(300)
    one, other = intervals(answers, table), intervals(answers[order], table[order])
    assert one["accuracy"].low == pytest.approx(other["accuracy"].low, abs=1e-12)
    for name in ("macro_f1", "calibration_error"):
        assert one[name].low == pytest.approx(other[name].low, abs=0.015)
        assert one[name].high == pytest.approx(other[name].high, abs=0.015)


def test_rows_that_repeat_each_other_count_once() -> None:
    """Each row four times, those of one text in a group: as wide as once, where alone they would be half as wide."""
    answers, table = made(80, 2, 1.0)
    together = Groups(np.repeat(np.arange(80), 4))
    once = intervals(answers, table)
    grouped = intervals(answers.repeat(4), table.repeat(4, axis=0), groups=together)
    apart = intervals(answers.repeat(4), table.repeat(4, axis=0))
    for name in ("accuracy", "macro_f1"):
        width = once[name].high - once[name].low
        assert grouped[name].high - grouped[name].low == pytest.approx(width, rel=0.1)
        assert apart[name].high - apart[name].low == pytest.approx(width / 2, rel=0.15)


@pytest.mark.parametrize("right", [True, False])
def test_where_all_rows_are_alike_macro_f1_has_the_width_of_accuracy(right: bool) -> None:
    table = np.tile([0.9, 0.1], (12, 1))
    got = intervals(np.full(12, 0 if right else 1), table)
    assert got["macro_f1"] == got["accuracy"]
    assert got["accuracy"].high - got["accuracy"].low > 0.1
