"""Risk against coverage: by a loop over every number of answered rows."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.evaluation.interval.groups import each_alone, groups_of
from trimtab.evaluation.interval.shares import wilson
from trimtab.evaluation.scores.selective import Answered, answered, selective


def made(rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    sure = random.random(rows)
    return sure, random.random(rows) < 0.5 + sure / 2


def test_the_area_is_the_mean_risk_over_every_number_of_rows() -> None:
    sure, right = made()
    found = selective(sure, right, each_alone(200))
    ranked = sorted(zip(sure, right, strict=True), reverse=True)
    risks = [np.mean([not own for _, own in ranked[:k]]) for k in range(1, 201)]
    assert found.aurc == pytest.approx(np.mean(risks))
    best = sorted((own for _, own in ranked), reverse=True)
    assert found.least == pytest.approx(np.mean([np.mean([not own for own in best[:k]]) for k in range(1, 201)]))
    assert len(found.curve) == 100
    for coverage, risk in found.curve:
        assert risk == pytest.approx(risks[round(200 * coverage) - 1])
    assert found.curve[-1] == (1.0, pytest.approx(1 - right.mean()))


def test_a_few_coverages_with_wilsons_intervals() -> None:
    sure, right = made()
    found = selective(sure, right, each_alone(200)).covered
    assert [one.rows for one in found] == [200, 180, 160, 140, 100, 50]
    order = np.argsort(-sure)
    half = found[4]
    own = right[order[:100]]
    assert (half.coverage, half.accuracy, half.answer_from) == (0.5, own.mean(), sure[order[99]])
    assert half.interval == wilson(float(own.mean()), 100)


def test_rows_that_are_equally_sure_are_in_no_order() -> None:
    right = np.array([True, False, True, False])
    found = selective(np.full(4, 0.7), right, each_alone(4))
    assert (found.curve, found.aurc) == ([(1.0, 0.5)], pytest.approx(0.5))
    assert [(one.rows, one.answer_from) for one in found.covered] == [(4, 0.7)]
    assert selective(np.full(4, 0.7), right[::-1], each_alone(4)).aurc == found.aurc


def test_what_is_answered_from_a_probability_on() -> None:
    sure, right = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, False])
    assert answered(sure, right, each_alone(4), 0.7, 0.95) == Answered(
        0.95, 0.7, 4, 3, 0.75, wilson(0.75, 4), pytest.approx(2 / 3), pytest.approx(wilson(2 / 3, 3))
    )
    nothing = answered(sure, right, each_alone(4), 2.0, 0.95)
    assert (nothing.answered, nothing.coverage, nothing.accuracy, nothing.accuracy_interval) == (0, 0.0, None, None)
    together = answered(sure, right, groups_of(["a", "a", "b", "b"]), 0.7, None)
    assert together.accuracy_interval is not None
    assert together.accuracy_interval.low < wilson(2 / 3, 3).low
