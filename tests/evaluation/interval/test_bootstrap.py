"""How rows and seeds are drawn: by hand and by their moments."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.evaluation.interval.bootstrap import (
    counts_by_draw,
    drawn_seeds,
    draws_at_once,
    resample,
    row_counts,
    row_places,
)


def test_counts_are_of_the_places_drawn() -> None:
    places = row_places(7)(np.random.default_rng(1), 5)
    counts = row_counts(np.arange(7))(np.random.default_rng(1), 5)
    assert counts.tolist() == [[(row == n).sum() for n in range(7)] for row in places]
    assert (counts.sum(axis=1) == 7).all()


def test_values_do_not_depend_on_how_many_are_drawn_at_once() -> None:
    for draw in (row_places(13), row_counts(np.arange(13)), row_counts(np.array([0, 1, 0, 2]))):
        one, other = (
            resample(draw, lambda drawn: drawn.astype(float), np.random.default_rng(2), resamples=50, at_once=at_once)
            for at_once in (50, 7)
        )
        assert one.shape[0] == 50
        np.testing.assert_array_equal(one, other)


def test_rows_of_a_group_are_drawn_together() -> None:
    of_rows = np.array([0, 1, 0, 2, 1])
    drawn = row_counts(of_rows)(np.random.default_rng(3), 400)
    np.testing.assert_array_equal(drawn[:, 0], drawn[:, 2])
    np.testing.assert_array_equal(drawn[:, 1], drawn[:, 4])
    assert (drawn[:, [0, 1, 3]].sum(axis=1) == 3).all()  # three groups, however many rows they have


def test_so_many_are_drawn_at_once_that_numbers_stay_few() -> None:
    assert (draws_at_once(300, 1000), draws_at_once(1001, 1000), draws_at_once(0, 1000)) == (3, 1, 1000)


def test_kinds_and_weights_are_counted_apart() -> None:
    kinds, weights = np.array([0, 2, 2]), np.array([[1, 2, 3], [0, 5, 0]])
    assert counts_by_draw(kinds, 3, 2).tolist() == [[1, 0, 2], [1, 0, 2]]
    assert counts_by_draw(kinds, 3, 2, weights).tolist() == [[1, 0, 5], [0, 0, 5]]


def test_seeds_add_the_variance_of_their_mean() -> None:
    scores = np.array([0.80, 0.83, 0.88])
    added = drawn_seeds(scores, 0.0, 100_000, np.random.default_rng(5))
    assert added.mean() == pytest.approx(0, abs=1e-3)
    assert added.var() == pytest.approx(scores.var(ddof=1) / 3, rel=0.02)


def test_what_rows_explain_is_taken_off_and_one_seed_adds_nothing() -> None:
    scores = np.array([0.80, 0.83, 0.88])
    half = drawn_seeds(scores, scores.var(ddof=1) / 2, 100_000, np.random.default_rng(5))
    assert half.var() == pytest.approx(scores.var(ddof=1) / 6, rel=0.02)
    assert not drawn_seeds(scores, 1.0, 9, np.random.default_rng(5)).any()
    assert drawn_seeds(scores[:1], 0.0, 9, np.random.default_rng(5)).tolist() == [0.0] * 9
