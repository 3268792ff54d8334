"""Multinomial logistic regression to convergence, its L2 penalty chosen by cross-validation. Knows nothing of language.

N rows, D features, C classes.

The loss is convex: sum_i w_i CE_i / sum_i w_i + penalty / 2 * |W - W0|^2 over standardised features, the bias free. W0
is zero, or a layer that knows something already (the vectors of the labels' words). It is found by L-BFGS (SciPy's; Liu
& Nocedal 1989) in coordinates in which the curvature is about the same in all directions: the principal axes of the
features, each over the root of an estimate of the curvature along it. That is e_j / C + penalty, where e_j is the
features' variance there: where classes are equally likely, the Hessian of their cross entropy is about 1 / C times the
features' covariance (compare Boehning 1992). Some axes of hidden states are a thousand times as long as others. On
1,000 questions (TREC, SmolLM2-135M) 52, 124 and 234 iterations at penalties of 0.1, 0.01 and 0.001 take the place of
259, and of more than 2,000 twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

# From strong to weak, in units in which features have a variance of 1 and the loss is a mean over rows.
PENALTIES = tuple(float(10 ** (-exponent / 2)) for exponent in range(12))
# Folds of cross-validation, for up to so many groups of rows; with more rows fewer tell as much.
FOLDS = ((200, 10), (2_000, 5))
FEWEST_FOLDS = 3
# Gradient (largest component, in the coordinates of the search) and iterations at which a search ends.
CLOSE, MOST = 1e-5, 2000
ROUGHLY, FEWER = 1e-4, 100
# With more rows than this what was known before tells nothing more, and is not tried: it doubles the time.
FEW = 500
# Along the path of ever weaker penalties, so many that are no better end it.
NO_BETTER = 2


@dataclass(frozen=True)
class Rows:
    """What is fitted to.

    Attributes:
        features_ND: float32.
        labels_N: class of each row, from 0.
        weights_N: of the rows, positive; their scale does not matter.
        groups_N: rows of one number stay together in cross-validation.
        classes: C.
        smoothing: label smoothing (Szegedy et al. 2016) of what is minimised.
        offset_NC: scores [N, C] that a row has to begin with, float32; None for none.
    """

    features_ND: torch.Tensor
    labels_N: torch.Tensor
    weights_N: torch.Tensor
    groups_N: np.ndarray
    classes: int
    smoothing: float = 0.0
    offset_NC: torch.Tensor | None = None

    def wanted(self, dtype: torch.dtype) -> torch.Tensor:
        """Probabilities [N, C] that are right."""
        exact = F.one_hot(self.labels_N, self.classes).to(dtype)
        return exact * (1 - self.smoothing) + self.smoothing / self.classes

    def of(self, members: torch.Tensor) -> Rows:
        """Some of the rows."""
        return replace(
            self, features_ND=self.features_ND[members], labels_N=self.labels_N[members],
            weights_N=self.weights_N[members], groups_N=self.groups_N[members.cpu().numpy()],
            offset_NC=None if self.offset_NC is None else self.offset_NC[members],
        )  # fmt: skip


@dataclass(frozen=True)
class Regression:
    """A fitted layer, in the features' own units: `features @ weight.T + bias` are the scores of the classes.

    Attributes:
        weight_CD, bias_C: float32.
        penalty: the one it was fitted with.
        loss: what was minimised, at the end.
        from_prior: whether the penalty draws to the layer that was known before, and not to zero.
        held_out: mean cross entropy of rows left out; infinite where none was left out.
    """

    weight_CD: torch.Tensor
    bias_C: torch.Tensor
    penalty: float
    loss: float
    from_prior: bool = False
    held_out: float = float("inf")


@dataclass(frozen=True)
class Axes:
    """Principal axes of standardised features. `to_DD` [D, D] takes features (less `mean_D`) to them."""

    mean_D: torch.Tensor
    to_DD: torch.Tensor
    variance_D: torch.Tensor

    @classmethod
    def of(cls, features_ND: torch.Tensor) -> Axes:
        """Those of features."""
        mean_D = features_ND.double().mean(0)
        spread_D = features_ND.double().std(0, correction=0)
        scale_D = torch.where(spread_D > 1e-8 * spread_D.max().clamp_min(1e-30), 1 / spread_D, 0.0)
        standard_ND = (features_ND - mean_D.float()) * scale_D.float()
        variance_D, axes_DD = torch.linalg.eigh((standard_ND.T @ standard_ND).double() / len(features_ND))
        return cls(mean_D, scale_D[:, None] * axes_DD, variance_D.clamp_min(0))

    def taken(self, features_ND: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Features along the axes."""
        return (features_ND.to(dtype) - self.mean_D.to(dtype)) @ self.to_DD.to(dtype)


def fit(
    rows: Rows, penalties: Sequence[float] = PENALTIES, prior: tuple[torch.Tensor, torch.Tensor] | None = None
) -> Regression:
    """The regression with the penalty that foretells rows left out best, drawn to `prior` where that does.

    Args:
        rows: what is fitted to.
        penalties: those to choose among, from strong to weak; where there is one alone, and no prior, it is taken.
        prior: weight [C, D] and bias [C] of a layer that is known before; tried with up to `FEW` rows.
    """
    return _fitted(rows, Axes.of(rows.features_ND), penalties, prior)


def fit_each(
    features_ND: torch.Tensor, fits_NC: torch.Tensor, smoothing: float = 0.0, weights_NC: torch.Tensor | None = None
) -> Regression:
    """A logistic regression for each of C labels by itself, each with the penalty that foretells rows left out best.

    Each is a regression of two classes: the scores of no and of yes, w and -w, differ by that of the label. A label
    that fits all rows, or none, has no regression: its odds are those of one row more on either side (Laplace).

    Args:
        features_ND: float32.
        fits_NC: whether each label fits each row.
        smoothing: label smoothing (Szegedy et al. 2016) over yes and no.
        weights_NC: of each row for each label; by default all count alike.

    Returns:
        All in one: `penalty` and `held_out` are means over labels, and so is `loss`.
    """
    axes, rows = Axes.of(features_ND), len(features_ND)
    groups_N = np.arange(rows)
    weights_NC = torch.ones(fits_NC.shape, device=features_ND.device) if weights_NC is None else weights_NC
    found = []
    for fits_N, weights_N in zip(fits_NC.long().T, weights_NC.T, strict=True):
        there = int(fits_N.sum())
        if there in (0, rows):
            odds = float(np.log((there + 1) / (rows - there + 1)))
            weight_CD, bias_C = features_ND.new_zeros(2, features_ND.shape[1]), features_ND.new_tensor([0.0, odds])
            found.append(Regression(weight_CD, bias_C, PENALTIES[0], 0.0, held_out=0.0))
            continue
        own = Rows(features_ND, fits_N, weights_N, groups_N, 2, smoothing)
        found.append(_fitted(own, axes, PENALTIES, None))
    penalty, loss, held_out = np.mean([(own.penalty, own.loss, own.held_out) for own in found], axis=0).tolist()
    return Regression(
        torch.stack([own.weight_CD[1] - own.weight_CD[0] for own in found]),
        torch.stack([own.bias_C[1] - own.bias_C[0] for own in found]),
        penalty,
        loss,
        held_out=held_out,
    )


def _fitted(
    rows: Rows, axes: Axes, penalties: Sequence[float], prior: tuple[torch.Tensor, torch.Tensor] | None
) -> Regression:
    prior = prior if len(rows.labels_N) <= FEW else None
    taken = replace(rows, features_ND=axes.taken(rows.features_ND, torch.float32))
    offsets = [None] if prior is None else [None, F.linear(rows.features_ND, *prior).float()]
    best = (float("inf"), penalties[0], False)
    if len(penalties) > 1 or prior is not None:
        for offset_NC in offsets:
            held_out = _cross_validated(replace(taken, offset_NC=offset_NC), axes.variance_D, penalties)
            best = min(best, *((loss, penalty, offset_NC is not None) for penalty, loss in held_out.items()))
    loss, penalty, from_prior = best
    whole = replace(rows, features_ND=axes.taken(rows.features_ND, torch.float64), offset_NC=offsets[from_prior])
    found = _minimise(whole, axes.variance_D, penalty, None, close=CLOSE, most=MOST)
    weight_CD = found.weight_CD @ axes.to_DD.T
    bias_C = found.bias_C - weight_CD @ axes.mean_D
    if from_prior and prior is not None:
        weight_CD, bias_C = weight_CD + prior[0], bias_C + prior[1]
    return Regression(weight_CD.float(), bias_C.float(), penalty, found.loss, from_prior, loss)


@dataclass(frozen=True)
class _Found:
    """Weights along the axes, float64, and the loss there."""

    weight_CD: torch.Tensor
    bias_C: torch.Tensor
    loss: float


def _minimise(
    rows: Rows, variance_D: torch.Tensor, penalty: float, start: _Found | None, *, close: float, most: int
) -> _Found:
    """The minimum, searched from `start` or from zero; features are along axes of these variances."""
    from scipy.optimize import minimize  # takes a second to import

    classes, dtype, device = rows.classes, rows.features_ND.dtype, rows.features_ND.device
    scale_D = (variance_D.to(device) / classes + penalty).rsqrt()
    scaled_ND = rows.features_ND * scale_D.to(dtype)
    share_N = (rows.weights_N / rows.weights_N.sum()).to(dtype)
    wanted_NC = rows.wanted(dtype)
    offset_NC = None if rows.offset_NC is None else rows.offset_NC.to(dtype)
    own_D = penalty * scale_D.square()

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        both = torch.from_numpy(flat).to(device).reshape(classes, -1)
        weight_CD, bias_C = both[:, :-1], both[:, -1]
        scores_NC = torch.addmm(bias_C.to(dtype), scaled_ND, weight_CD.T.to(dtype))
        logs_NC = torch.log_softmax(scores_NC if offset_NC is None else scores_NC + offset_NC, 1)
        away_NC = (logs_NC.exp() - wanted_NC) * share_N[:, None]
        value = -((logs_NC * wanted_NC).sum(1) * share_N).double().sum() + (own_D * weight_CD.square()).sum() / 2
        slope = torch.cat([(away_NC.T @ scaled_ND).double() + own_D * weight_CD, away_NC.sum(0).double()[:, None]], 1)
        return float(value), slope.reshape(-1).cpu().numpy()

    begin = np.zeros((classes, len(scale_D) + 1))
    if start is not None:
        begin[:, :-1] = (start.weight_CD / scale_D).cpu().numpy()
        begin[:, -1] = start.bias_C.cpu().numpy()
    options: Any = {"maxiter": most, "maxfun": 2 * most, "gtol": close, "ftol": 0.0, "maxcor": 10}
    result = minimize(loss, begin.reshape(-1), jac=True, method="L-BFGS-B", options=options)
    both = torch.from_numpy(result.x).to(device).reshape(classes, -1)
    return _Found(both[:, :-1] * scale_D, both[:, -1], float(result.fun))


def _cross_validated(rows: Rows, variance_D: torch.Tensor, penalties: Sequence[float]) -> dict[float, float]:
    """Mean cross entropy of rows left out, for each penalty up to where weaker ones are no better."""
    folds_N = torch.from_numpy(folds(rows)).to(rows.labels_N.device)
    parts = [(rows.of(torch.nonzero(folds_N != k)[:, 0]), rows.of(torch.nonzero(folds_N == k)[:, 0]))
             for k in range(int(folds_N.max()) + 1)]  # fmt: skip
    found: list[_Found | None] = [None] * len(parts)
    out: dict[float, float] = {}
    for i, penalty in enumerate(penalties):
        total = 0.0
        for k, (train, left_out) in enumerate(parts):
            own = found[k] = _minimise(train, variance_D, penalty, found[k], close=ROUGHLY, most=FEWER)
            scores_NC = left_out.features_ND.double() @ own.weight_CD.T + own.bias_C
            if left_out.offset_NC is not None:
                scores_NC = scores_NC + left_out.offset_NC
            losses_N = F.cross_entropy(scores_NC, left_out.labels_N, reduction="none")
            total += float((losses_N * left_out.weights_N).sum())
        out[penalty] = total / float(rows.weights_N.sum())
        if i - min(range(i + 1), key=lambda at: out[penalties[at]]) >= NO_BETTER:
            break
    return out


def folds(rows: Rows) -> np.ndarray:
    """Fold of each row [N]: groups of one class are dealt out in turn, the same for the same rows in the same order."""
    _, first, group_of = np.unique(rows.groups_N, return_index=True, return_inverse=True)
    many = next((folds for most, folds in FOLDS if len(first) <= most), FEWEST_FOLDS)
    by_class = np.argsort(rows.labels_N.cpu().numpy()[first], kind="stable")
    fold_of_group = np.empty(len(first), dtype=np.int64)
    fold_of_group[by_class] = np.arange(len(first)) % min(many, len(first))
    out: np.ndarray = fold_of_group[group_of]
    return out
