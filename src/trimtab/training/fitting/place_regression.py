"""Which place of a row is the right one: conditional logistic regression, its L2 penalty chosen by rows left out.

Knows nothing of language. N rows, W places of all of them, C questions (where it begins, where it ends), D features.

A row's places share one weight a question, w; the probability of a place is the softmax of w's products with the row's
places alone (McFadden 1974), so that neither a bias nor the mean of a row's places changes anything. The loss is the
sum over questions of sum_i CE_i / N + penalty / 2 * |w|^2 over features that vary by 1 within rows. It is convex, and
its minimum is found by L-BFGS along the features' principal axes, as in `softmax_regression`: where all places of a row
are equally likely, the curvature along an axis is the features' variance there; it falls as the right one stands out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from trimtab.training.fitting.softmax_regression import Axes

# From strong to weak.
PENALTIES = tuple(float(10 ** (1 - exponent / 2)) for exponent in range(11))
# Every so many-th group of rows is left out; with fewer groups every second.
LEFT_OUT, FEW = 5, 20
# Gradient (largest component) and iterations at which a search ends; along the path, and at last.
ROUGHLY, FEWER = 1e-3, 60
CLOSE, MOST = 1e-4, 300
# The curvature along an axis that is reckoned with, relative to that where all places are equally likely.
STANDING_OUT = 0.1
# Along the path of ever weaker penalties, so many that are no better end it.
NO_BETTER = 2


@dataclass(frozen=True)
class Places:
    """What is fitted to.

    Attributes:
        states: features [w, D] of each row's places, float32.
        right: of each row, which of its places is right, question by question.
        groups: rows of one number, from 0 upwards, are left out together.
        smoothing: label smoothing (Szegedy et al. 2016) over a row's places.
    """

    states: Sequence[torch.Tensor]
    right: Sequence[Sequence[int]]
    groups: Sequence[int]
    smoothing: float = 0.0

    def of(self, members: Sequence[int]) -> Places:
        """Some of the rows."""
        return Places(
            [self.states[i] for i in members], [self.right[i] for i in members], [self.groups[i] for i in members],
            self.smoothing,
        )  # fmt: skip

    @cached_property
    def row_W(self) -> torch.Tensor:
        """The row of each place."""
        counts = torch.tensor([len(own) for own in self.states])
        return torch.repeat_interleave(torch.arange(len(counts)), counts).to(self.states[0].device)

    @cached_property
    def wanted_WC(self) -> torch.Tensor:
        """Probabilities that are right, which sum to 1 over a row."""
        questions = len(self.right[0])
        counts = torch.tensor([len(own) for own in self.states])
        firsts = torch.cumsum(counts, 0) - counts
        out_WC = (self.smoothing / counts.double())[self.row_W.cpu(), None].repeat(1, questions)
        right_NC = firsts[:, None] + torch.tensor([list(own) for own in self.right])
        out_WC[right_NC, torch.arange(questions)] += 1 - self.smoothing
        return out_WC.float().to(self.row_W.device)


@dataclass(frozen=True)
class Choosing:
    """A fitted weight for each question, in the features' own units.

    Attributes:
        weight_CD: float32.
        penalty: the one it was fitted with.
        loss: mean loss of the rows it was fitted to, penalty left out.
        held_out: mean loss of the rows left out; infinite where none was left out.
    """

    weight_CD: torch.Tensor
    penalty: float
    loss: float
    held_out: float


def fit(places: Places, penalties: Sequence[float] = PENALTIES) -> Choosing:
    """The weights with the penalty that foretells rows left out best.

    Args:
        places: what is fitted to.
        penalties: those to choose among, from strong to weak; the strongest is taken where no row can be left out.
    """
    within = [own - own.mean(0) for own in places.states]
    axes = Axes.of(torch.cat(within))
    states = [axes.taken(own, torch.float32) for own in within]
    scaled = Places(states, places.right, places.groups, places.smoothing)
    groups = max(places.groups) + 1
    every = LEFT_OUT if groups >= FEW else 2
    penalty, held_out = penalties[0], float("inf")
    if groups > 1:
        kept = scaled.of([i for i, group in enumerate(places.groups) if group % every])
        left_out = scaled.of([i for i, group in enumerate(places.groups) if not group % every])
        penalty, held_out = _best(kept, left_out, axes.variance_D, penalties)
    weight_CD = _minimise(scaled, axes.variance_D, penalty, None, close=CLOSE, most=MOST)
    loss = _loss(scaled, weight_CD)
    return Choosing((weight_CD @ axes.to_DD.T).float(), penalty, loss, held_out)


def _best(kept: Places, left_out: Places, variance_D: torch.Tensor, penalties: Sequence[float]) -> tuple[float, float]:
    """The best penalty and the loss of the rows left out, up to where weaker ones are no better."""
    losses: list[float] = []
    found: torch.Tensor | None = None
    for penalty in penalties:
        found = _minimise(kept, variance_D, penalty, found, close=ROUGHLY, most=FEWER)
        losses.append(_loss(left_out, found))
        if len(losses) - 1 - int(np.argmin(losses)) >= NO_BETTER:
            break
    best = int(np.argmin(losses))
    return penalties[best], losses[best]


def _loss(places: Places, weight_CD: torch.Tensor) -> float:
    """Mean loss of rows, over both questions."""
    features_WD = torch.cat(list(places.states))
    logs_WC = _logs(features_WD @ weight_CD.float().T, places.row_W, len(places.states))
    return -float((logs_WC * places.wanted_WC).sum()) / len(places.states) / len(weight_CD)


def _logs(scores_WC: torch.Tensor, row_W: torch.Tensor, rows: int) -> torch.Tensor:
    """Log-probabilities [W, C], a softmax over the places of each row."""
    index_WC = row_W[:, None].expand_as(scores_WC)
    highest_NC = scores_WC.new_full((rows, scores_WC.shape[1]), -torch.inf)
    highest_NC = highest_NC.scatter_reduce(0, index_WC, scores_WC, "amax")
    above_WC = scores_WC - highest_NC[row_W]
    total_NC = torch.zeros_like(highest_NC).index_add(0, row_W, above_WC.exp())
    return above_WC - total_NC.log()[row_W]


def _minimise(
    places: Places, variance_D: torch.Tensor, penalty: float, start: torch.Tensor | None, *, close: float, most: int
) -> torch.Tensor:
    """The weights [C, D] along the axes, float64, at the minimum, searched from `start` or from zero."""
    from scipy.optimize import minimize  # takes a second to import

    scale_D = (STANDING_OUT * variance_D + penalty).rsqrt()
    features_WD = torch.cat(list(places.states)) * scale_D.float()
    wanted_WC, row_W, own_D = places.wanted_WC, places.row_W, penalty * scale_D.square()
    rows, (questions, size) = len(places.states), (wanted_WC.shape[1], features_WD.shape[1])

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weight_CD = torch.from_numpy(flat).to(features_WD.device).reshape(questions, size)
        logs_WC = _logs(features_WD @ weight_CD.float().T, row_W, rows)
        away_WC = (logs_WC.exp() - wanted_WC) / rows
        value = -float((logs_WC * wanted_WC).double().sum()) / rows + float((own_D * weight_CD.square()).sum()) / 2
        slope_CD = (away_WC.T @ features_WD).double() + own_D * weight_CD
        return value, slope_CD.reshape(-1).cpu().numpy()

    begin = np.zeros((questions, size)) if start is None else (start / scale_D).cpu().numpy()
    options: Any = {"maxiter": most, "maxfun": 2 * most, "gtol": close, "ftol": 1e-9, "maxcor": 10}
    result = minimize(loss, begin.reshape(-1), jac=True, method="L-BFGS-B", options=options)
    return torch.from_numpy(result.x).to(features_WD.device).reshape(questions, size) * scale_D
