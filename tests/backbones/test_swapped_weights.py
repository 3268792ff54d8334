"""Weights and modules put in for a while, against torch's functional call, and taken out again whatever happens."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.func import functional_call

from trimtab.backbones.swapped_weights import swapped, weight_names


class Tied(nn.Module):
    """Two layers of which the second has the first one's weight, and one more."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.inner = nn.Sequential(nn.Linear(4, 4), nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(self.second(torch.tanh(self.first(x))))


X = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
NAMES = ["first.weight", "first.bias", "second.bias", "inner.0.weight", "inner.0.bias"]


def other(seed: int = 2) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(weight.shape, generator=generator).requires_grad_()
        for name, weight in weight_names(Tied()).items()
    }


def test_tied_weights_have_their_first_name():
    assert list(weight_names(Tied())) == NAMES


@pytest.mark.parametrize("names", [NAMES, ["first.weight"], ["inner.0.bias", "second.bias"], []])
def test_values_and_gradients_are_those_of_a_functional_call(names):
    model, ours, theirs = Tied(), other(), other()
    with swapped(model, {name: ours[name] for name in names}):
        found = model(X)
    expected = functional_call(Tied(), {name: theirs[name] for name in names}, X, tie_weights=True)
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    for name in names:
        torch.testing.assert_close(ours[name].grad, theirs[name].grad)


def test_all_is_as_it_was_afterwards_even_where_something_fails():
    model = Tied()
    before, modules = dict(model.named_parameters(remove_duplicate=False)), dict(model.named_modules())
    own = {name: weight for name, weight in other().items() if not name.startswith("inner")}

    def fail() -> None:
        with swapped(model, own, {"inner": nn.Identity()}):
            assert isinstance(model.inner, nn.Identity)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    for name, weight in model.named_parameters(remove_duplicate=False):
        assert weight is before[name]
    assert dict(model.named_modules()) == modules


def test_modules_go_in_before_weights_and_nest():
    model, weight = Tied(), torch.zeros(2, 4)
    with swapped(model, {"inner.weight": weight}, {"inner": nn.Linear(4, 2, bias=False)}):
        assert model(X).shape == (3, 2)
        assert not model(X).any()
        with swapped(model, {}, {"inner": nn.Identity()}):
            assert model(X).shape == (3, 4)
        assert model(X).shape == (3, 2)
    torch.testing.assert_close(model(X), Tied()(X))


def test_weights_take_the_number_format_of_those_they_stand_for():
    model, own = Tied().to(torch.bfloat16), torch.randn(4, 4).requires_grad_()
    with swapped(model, {"first.weight": own}):
        assert model.first.weight is model.second.weight
        assert model.first.weight.dtype == torch.bfloat16
        model(X.bfloat16()).sum().backward()
    assert own.grad is not None
    assert own.grad.dtype == torch.float32


def test_a_name_that_is_not_there():
    model = Tied()
    before, own = dict(model.named_parameters()), {"first.bias": torch.zeros(4), "third": torch.zeros(4)}
    with pytest.raises(KeyError, match="third"), swapped(model, own):
        pass
    assert all(weight is before[name] for name, weight in model.named_parameters())
