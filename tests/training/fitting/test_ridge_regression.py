"""Ridge regression against scikit-learn's, its choice against leaving rows out one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import Ridge as Oracle
from sklearn.preprocessing import StandardScaler

from trimtab.training.fitting.ridge_regression import fit


def made(rows: int, dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(3)
    features = torch.randn(rows, dims, generator=g) * torch.logspace(0, 2, dims) + 5
    numbers = features @ (torch.randn(dims, generator=g) / torch.logspace(0, 2, dims)) + torch.randn(rows, generator=g)
    return features, numbers


@pytest.mark.parametrize(("rows", "dims"), [(80, 12), (20, 50)])
@pytest.mark.parametrize("penalty", [1.0, 1e-2])
def test_the_fit_is_that_of_scikit_learn(rows, dims, penalty):
    features, numbers = made(rows, dims)
    own = fit(features, numbers, [penalty])
    standard = StandardScaler().fit_transform(features.double().numpy())
    oracle = Oracle(alpha=penalty * rows).fit(standard, numbers.double().numpy())
    found = (features @ own.weight_D + own.bias).numpy()
    assert found == pytest.approx(oracle.predict(standard), abs=2e-3)


def test_the_error_of_rows_left_out_is_what_it_says():
    """Standardised by all rows, as the fit is."""
    features, numbers = made(25, 6)
    standard = StandardScaler().fit_transform(features.double().numpy())
    penalty, wrong = 0.05, []
    for i in range(25):
        rest = np.arange(25) != i
        # The penalty is a row's: with a row less it weighs as it did.
        oracle = Oracle(alpha=penalty * 25).fit(standard[rest], numbers.double().numpy()[rest])
        wrong.append(float(oracle.predict(standard[[i]])[0] - numbers[i]) ** 2)
    assert fit(features, numbers, [penalty]).held_out == pytest.approx(np.mean(wrong), rel=1e-4)


def test_the_penalty_is_the_one_that_foretells_best():
    features, numbers = made(40, 30)
    errors = {penalty: fit(features, numbers, [penalty]).held_out for penalty in (10.0, 1.0, 0.1, 0.01, 1e-4)}
    assert fit(features, numbers, list(errors)).penalty == min(errors, key=errors.__getitem__)


def test_huber_minimises_its_loss():
    features, numbers = made(60, 4)
    numbers = numbers / numbers.std()
    numbers[:3] += 40
    own = fit(features, numbers, [0.01], huber=True)
    standard = StandardScaler().fit_transform(features.double().numpy())

    def loss(both: np.ndarray) -> float:
        away = np.abs(numbers.double().numpy() - standard @ both[:-1] - both[-1])
        return float(np.where(away < 1, away**2 / 2, away - 0.5).mean() + 0.01 / 2 * (both[:-1] ** 2).sum())

    oracle = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-9}).x
    expected = standard @ oracle[:-1] + oracle[-1]
    assert (features @ own.weight_D + own.bias).numpy() == pytest.approx(expected, abs=1e-3)
