"""Learning rates by hand, optimisers beside torch's own on a quadratic."""

from __future__ import annotations

import math

import pytest
import torch

from trimtab.training.optimisers import make_optimiser, rate_at


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        ("linear", [0.5, 1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
        ("exponential", [0.5, 1, 1, 0.562341, 0.316228, 0.177828, 0.1, 0.0562341, 0.0316228, 0.0177828]),
        ("cosine", [0.5, 1, 1, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.0380602]),
    ],
)
def test_rate_rises_over_the_warm_up_then_follows_the_schedule(schedule, expected):
    found = [rate_at(step, 10, 3.0, schedule, 0.2) for step in range(10)]
    assert found == pytest.approx([3 * x for x in expected], rel=1e-5)


def test_ends_of_schedules():
    assert rate_at(0, 1, 2.0, "cosine", 0.06) == 2.0  # a single step is taken at the full rate
    assert rate_at(100, 100, 2.0, "linear", 0.1) == 0
    assert rate_at(100, 100, 2.0, "cosine", 0.1) == pytest.approx(0)
    assert rate_at(100, 100, 2.0, "exponential", 0.1) == pytest.approx(0.02)
    assert rate_at(99, 100, 2.0, "constant", 0.99) == 2.0


def descend(optimiser, parameters, rates) -> list[torch.Tensor]:
    for rate in rates:
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad()
        sum(
            ((p - i) ** 2 * torch.linspace(0.1, 3, p.numel()).view_as(p)).sum() for i, p in enumerate(parameters, 1)
        ).backward()
        optimiser.step()
    return [p.detach() for p in parameters]


def start() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(4, 6, generator=generator).requires_grad_() for _ in range(2)]


RATES = [0.01, 0.03, 0.02, 0.01]


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(
    ("name", "torchs"), [("adamw", torch.optim.AdamW), ("adafactor", torch.optim.Adafactor)], ids=["adamw", "adafactor"]
)
def test_several_parameters_move_as_each_alone_under_torch(name, torchs, decay):
    ours, theirs = start(), start()
    together = descend(make_optimiser(name, ours, decay), ours, RATES)
    for i, parameter in enumerate(theirs):
        frozen = [p if j == i else p.detach() for j, p in enumerate(theirs)]
        how = {"eps": (None, 1.0)} if torchs is torch.optim.Adafactor else {}
        descend(torchs([parameter], lr=0.0, weight_decay=decay, **how), frozen, RATES)
        torch.testing.assert_close(together[i], parameter.detach(), rtol=1e-6, atol=1e-7)  # ours works in one pass


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_sgd_has_momentum_and_decoupled_decay(decay):
    ours = start()
    found = descend(make_optimiser("sgd", ours, decay), ours, RATES)
    for i, (p, reached) in enumerate(zip(start(), found, strict=True), 1):
        value, momentum = p.detach(), torch.zeros_like(p)
        weight = torch.linspace(0.1, 3, p.numel()).view_as(p)
        for rate in RATES:
            momentum = 0.9 * momentum + 2 * (value - i) * weight
            value = value * (1 - rate * decay) - rate * momentum
        torch.testing.assert_close(reached, value)


def test_a_parameter_without_a_gradient_stays():
    for name in ("adamw", "adafactor", "sgd"):
        parameters = start()
        before = parameters[1].detach().clone()
        optimiser = make_optimiser(name, parameters, 0.1)
        for group in optimiser.param_groups:
            group["lr"] = 0.1
        parameters[0].sum().backward()
        optimiser.step()
        assert torch.equal(parameters[1], before)
        assert math.isfinite(parameters[0].sum().item())


@pytest.mark.parametrize("name", ["adamw", "adafactor", "sgd"])
def test_what_starts_at_zero_moves_by_about_the_rate(name):
    parameter = torch.zeros(4, 6).requires_grad_()
    [reached] = descend(make_optimiser(name, [parameter], 0.0), [parameter], [0.01] * 10)
    assert 0.03 < float(reached.detach().abs().mean()) < 3
