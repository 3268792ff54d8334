"""How rows and seeds are drawn: by hand and by their moments."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.evaluation.interval.bootstrap import (
    counts_by_draw,
    drawn_seeds,
    draws_at_once,
    group_counts,
    resample,
    row_counts,
    row_places,
)


def test_counts_are_of_the_places_drawn() -> None:
    places = row_places(7)(np.random.default_rng(1), 5)
    counts = row_counts(7)(np.random.default_rng(1), 5)
    assert counts.tolist() == [[(row == n).sum() for n in range(7)] for row in places]
    assert (counts.sum(axis=1) == 7).all()


def test_values_do_not_depend_on_how_many_are_drawn_at_once() -> None:
    for draw in (row_places(13), row_counts(13), group_counts(np.array([5, 1, 7]))):
        one, other = (
            resample(draw, lambda drawn: drawn.astype(float), np.random.default_rng(2), resamples=50, at_once=at_once)
            for at_once in (50, 7)
        )
        assert one.shape[0] == 50
        np.testing.assert_array_equal(one, other)


def test_drawing_groups_is_drawing_their_rows() -> None:
    groups = np.array([50, 30, 20])
    of_groups = group_counts(groups)(np.random.default_rng(3), 20_000)
    rows = row_counts(100)(np.random.default_rng(4), 20_000)
    of_rows = np.add.reduceat(rows, [0, 50, 80], axis=1)
    assert (of_groups.sum(axis=1) == 100).all()
    np.testing.assert_allclose(of_groups.mean(axis=0), of_rows.mean(axis=0), rtol=0.01)
    np.testing.assert_allclose(np.cov(of_groups.T), np.cov(of_rows.T), rtol=0.1)


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
