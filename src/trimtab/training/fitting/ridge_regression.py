"""Ridge regression in closed form, its penalty chosen by leaving each row out. Knows nothing of language.

N rows, D features.

The loss is sum_i (y_i - f_i)^2 / N + penalty * |w|^2 over standardised features, the bias free. The error of a row left
out follows from the fit to all rows: y_i - f_i over 1 - h_i, where h_i is the row's own share in its fit (Allen 1974,
PRESS; Golub, Heath & Wahba 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

# Reweighted fits, and the change of a weight at which they end, for Huber's loss.
MOST, CLOSE = 200, 1e-8
# From strong to weak, in units in which features have a variance of 1 and the loss is a mean over rows.
PENALTIES = tuple(float(10 ** (-exponent / 4)) for exponent in range(-12, 25))


@dataclass(frozen=True)
class Ridge:
    """A fitted layer, in the features' own units: `features @ weight + bias` is the number.

    Attributes:
        weight_D, bias: float32, and a number.
        penalty: the one it was fitted with.
        held_out: mean squared error of rows each left out.
    """

    weight_D: torch.Tensor
    bias: float
    penalty: float
    held_out: float


def fit(
    features_ND: torch.Tensor, numbers_N: torch.Tensor, penalties: Sequence[float] = PENALTIES, *, huber: bool = False
) -> Ridge:
    """The regression with the penalty that foretells rows left out best.

    Args:
        features_ND, numbers_N: the rows.
        penalties: those to choose among.
        huber: whether errors beyond one unit count linearly (Huber 1964); the penalty is that of squared errors.
    """
    own_ND, own_N = features_ND.double(), numbers_N.double()
    mean_D, spread_D = own_ND.mean(0), own_ND.std(0, correction=0)
    scale_D = torch.where(spread_D > 1e-8 * spread_D.max().clamp_min(1e-30), 1 / spread_D, 0.0)
    standard_ND = (own_ND - mean_D) * scale_D
    penalty, held_out = _chosen(standard_ND, own_N, penalties)
    weights_N = torch.ones_like(own_N)
    weight_D, bias = _solved(standard_ND, own_N, weights_N, penalty)
    for _ in range(MOST if huber else 0):
        weights_N = 1 / (own_N - standard_ND @ weight_D - bias).abs().clamp_min(1)
        before, (weight_D, bias) = weight_D, _solved(standard_ND, own_N, weights_N, penalty)
        if float((weight_D - before).abs().max()) < CLOSE:
            break
    weight_D = weight_D * scale_D
    return Ridge(weight_D.float(), float(bias - mean_D @ weight_D), penalty, held_out)


def _chosen(standard_ND: torch.Tensor, numbers_N: torch.Tensor, penalties: Sequence[float]) -> tuple[float, float]:
    """The penalty whose squared error of rows left out is the lowest, and that error."""
    rows, mean = len(numbers_N), numbers_N.mean()
    left_NR, size_R, _ = torch.linalg.svd(standard_ND, full_matrices=False)
    along_R, squared_NR = left_NR.T @ (numbers_N - mean), left_NR.square()

    def held_out(penalty: float) -> float:
        kept_R = size_R.square() / (size_R.square() + penalty * rows)
        away_N = numbers_N - mean - left_NR @ (kept_R * along_R)
        return float((away_N / (1 - squared_NR @ kept_R - 1 / rows).clamp_min(1e-9)).square().mean())

    errors = {penalty: held_out(penalty) for penalty in penalties}
    best = min(errors, key=lambda penalty: errors[penalty])
    return best, errors[best]


def _solved(
    standard_ND: torch.Tensor, numbers_N: torch.Tensor, weights_N: torch.Tensor, penalty: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight [D] and bias that minimise sum_i weights_i (y_i - f_i)^2 / N + penalty * |w|^2."""
    rows, total = len(numbers_N), weights_N.sum()
    middle_D, middle = weights_N @ standard_ND / total, weights_N @ numbers_N / total
    around_ND = standard_ND - middle_D
    curved_DD = around_ND.T @ (around_ND * weights_N[:, None]) / rows
    curved_DD.diagonal().add_(penalty)
    weight_D = torch.linalg.solve(curved_DD, around_ND.T @ (weights_N * (numbers_N - middle)) / rows)
    return weight_D, middle - middle_D @ weight_D
