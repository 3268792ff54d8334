"""From which probability on to answer: by hand, and how often what is promised holds in simulated worlds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from trimtab.evaluation.scores.abstaining import ERROR, NEVER, STARTS, answer_from


def world(kind: str, rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and whether each row is right: as sure as right, too sure by far, or of few values."""
    sure = 0.5 + random.beta(4, 1, size=rows) / 2
    if kind == "few values":
        sure = np.round(sure, 1)
    share = 0.5 + 0.85 * (sure - 0.5) if kind == "too sure" else sure
    return sure, random.random(rows) < share


@pytest.mark.parametrize("kind", ["as sure as right", "too sure", "few values"])
@pytest.mark.parametrize(("rows", "wanted"), [(60, 0.85), (200, 0.9), (400, 0.92)])
def test_the_answers_given_are_right_as_often_as_is_wanted(kind: str, rows: int, wanted: float) -> None:
    random = np.random.default_rng(rows)
    sure, right = world(kind, 200_000, random)
    order = np.argsort(-sure, kind="stable")
    reached, rising = np.cumsum(right[order]) / np.arange(1, len(sure) + 1), -sure[order]
    too_few, cases = 0, 300
    for _ in range(cases):
        found = answer_from(*world(kind, rows, random), wanted)
        given = int(np.searchsorted(rising, -found, side="right"))
        too_few += given > 0 and reached[given - 1] < wanted - 0.002
    assert binomtest(too_few, cases, ERROR, alternative="greater").pvalue > 0.01


def test_of_rows_that_are_all_right_the_fewest_that_can_show_it() -> None:
    """29 rows without a mistake show 90% with 95% confidence, as 0.9 to the power of 29 is below 0.05."""
    for rows, found in ((28, NEVER), (29, 0.7)):
        assert answer_from(np.full(rows, 0.7), np.ones(rows, dtype=bool), 0.9) == found


def test_it_is_the_lowest_probability_that_the_binomial_distribution_shows() -> None:
    """Two hundred sure rows with 4 mistakes, then rows of which one in three is wrong."""
    sure = np.concatenate([np.linspace(0.99, 0.9, 200), np.linspace(0.6, 0.5, 100)])
    right = np.ones(300, dtype=bool)
    right[[20, 80, 120, 160]] = False
    right[200::3] = False
    found = answer_from(sure, right, 0.9)
    answered = sure >= found
    wrong = int((~right[answered]).sum())
    assert 200 < answered.sum() < 230
    assert binom.cdf(wrong, answered.sum(), 0.1) <= ERROR
    assert binom.cdf(34, 300, 0.1) > ERROR


def test_all_rows_are_answered_where_all_are_right_often_enough() -> None:
    random = np.random.default_rng(0)
    sure, right = random.random(300), random.random(300) < 0.97
    assert answer_from(sure, right, 0.9) == pytest.approx(sure.min(), abs=1e-6)


def test_rows_that_are_equally_sure_are_answered_together() -> None:
    sure = np.repeat([0.9, 0.6], 100)
    right = np.concatenate([np.ones(100), np.zeros(100)]).astype(bool)
    assert answer_from(sure, right, 0.9) == 0.9
    order = np.random.default_rng(1).permutation(200)
    assert answer_from(sure[order], right[order], 0.9) == 0.9


def test_too_few_rows_or_too_many_mistakes_show_nothing() -> None:
    assert answer_from(np.array([0.9]), np.array([True]), 0.9) == NEVER
    assert answer_from(np.linspace(0.5, 1, 400), np.arange(400) % 2 == 0, 0.9) == NEVER
    assert STARTS > 1
