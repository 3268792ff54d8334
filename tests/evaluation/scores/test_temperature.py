"""Temperatures against scikit-learn's log loss, searched over a grid."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from trimtab.evaluation.scores.temperature import FEWEST, best_temperature, tempered


def made(rows: int, sharpness: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities that are right as often as they say, made sharper than that; and the right labels."""
    generator = np.random.default_rng(3)
    honest = generator.dirichlet([1.0, 1.0, 1.0], rows)
    right = np.array([generator.choice(3, p=own) for own in honest])
    return tempered(honest, 1 / sharpness), right


def test_probabilities_that_are_too_sure_are_made_honest() -> None:
    probabilities, right = made(2_000, 3.0)
    found = best_temperature(probabilities, right)
    grid = np.arange(1.0, 5.0, 0.01)
    losses = [log_loss(right, tempered(probabilities, one)) for one in grid]
    assert found == pytest.approx(grid[int(np.argmin(losses))], abs=0.02)
    assert found == pytest.approx(3.0, abs=0.3)
    assert (tempered(probabilities, found).argmax(1) == probabilities.argmax(1)).all()


def test_nothing_where_it_would_not_help() -> None:
    assert best_temperature(*made(40, 1.0)) == 1.0
    assert best_temperature(*made(FEWEST - 1, 3.0)) == 1.0


def test_tempered() -> None:
    assert tempered(np.array([0.5, 0.25, 0.25]), 0.5) == pytest.approx([4 / 6, 1 / 6, 1 / 6])
    assert tempered(np.array([[1.0, 0.0]]), 2.0) == pytest.approx(np.array([[1.0, 1e-6]]), abs=1e-6)
    assert tempered(np.array([0.6, 0.4]), 1.0) == pytest.approx([0.6, 0.4])
