"""The regression over places against the loss written out by hand and minimised by plain gradient steps."""

from __future__ import annotations

import pytest
import torch

from trimtab.training.fitting import place_regression
from trimtab.training.fitting.place_regression import Places


def made(seed: int, rows: int = 40, size: int = 6, told: float = 2.0) -> tuple[list[torch.Tensor], list[list[int]]]:
    """Rows of 3 to 7 places, the right ones told by a feature each."""
    random = torch.Generator().manual_seed(seed)
    states, right = [], []
    for _ in range(rows):
        places = int(torch.randint(3, 8, (1,), generator=random))
        own = torch.randn(places, size, generator=random)
        both = torch.randint(0, places, (2,), generator=random).tolist()
        own[both[0], 0] += told
        own[both[1], 1] += told
        states.append(own * 3 + 1)
        right.append(both)
    return states, right


def loss_by_hand(
    weight_CD: torch.Tensor, states: list[torch.Tensor], right: list[list[int]], smoothing: float = 0.0
) -> torch.Tensor:
    """Sum over the two questions of the mean cross entropy."""
    total = weight_CD.new_zeros(())
    for own, both in zip(states, right, strict=True):
        logs = torch.log_softmax(own.double() @ weight_CD.T, 0)
        for question, place in enumerate(both):
            exact = (1 - smoothing) * logs[place, question] + smoothing * logs[:, question].mean()
            total = total - exact / len(states)
    return total


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_it_is_the_minimum_of_the_penalised_loss(smoothing: float) -> None:
    states, right = made(0)
    found = place_regression.fit(Places(states, right, range(40), smoothing), (0.1,))
    weight_CD = found.weight_CD.double().requires_grad_()
    # The penalty is over features that vary by 1 within rows, along which weights are as much smaller.
    within = torch.cat([own - own.mean(0) for own in states]).double()
    spread_D = within.std(0, correction=0)
    loss = loss_by_hand(weight_CD, states, right, smoothing)
    (loss + 0.05 * (weight_CD * spread_D).square().sum()).backward()
    assert weight_CD.grad is not None
    assert float((weight_CD.grad / spread_D).abs().max()) < 2e-3
    assert found.loss == pytest.approx(float(loss.detach()) / 2, abs=1e-4)
    assert found.loss < 0.75 * float(loss_by_hand(torch.zeros(2, 6).double(), states, right)) / 2


def test_the_penalty_is_weak_where_places_are_told_and_strong_where_they_are_not() -> None:
    told, untold = made(1, 60, told=8.0), made(2, 60, told=0.0)
    weak = place_regression.fit(Places(*told, range(60)))
    strong = place_regression.fit(Places(*untold, range(60)))
    assert weak.penalty < 0.1 < strong.penalty
    assert weak.held_out < 0.5 < strong.held_out


def test_rows_of_one_group_are_left_out_together_and_one_row_leaves_none_out() -> None:
    states, right = made(3, 1)
    found = place_regression.fit(Places(states, right, [0]))
    assert (found.penalty, found.held_out) == (place_regression.PENALTIES[0], float("inf"))
    states, right = made(4, 6)
    assert place_regression.fit(Places(states, right, [0, 0, 0, 1, 1, 1])).held_out < float("inf")


def test_a_feature_that_is_the_same_all_over_a_row_has_no_weight() -> None:
    states, right = made(5)
    states = [torch.cat([own, torch.full((len(own), 1), float(i))], 1) for i, own in enumerate(states)]
    found = place_regression.fit(Places(states, right, range(40)))
    assert found.weight_CD[:, -1].abs().max() == 0
