"""Trees with other weights and modules, against torch's functional call; the model they are of stays as it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.func import functional_call

from trimtab.backbones.module_tree import copied, weight_names, with_others


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
    found = with_others(model, {name: ours[name] for name in names})(X)
    expected = functional_call(Tied(), {name: theirs[name] for name in names}, X, tie_weights=True)
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    for name in names:
        torch.testing.assert_close(ours[name].grad, theirs[name].grad)


def test_the_model_is_as_it_was_and_shares_what_is_not_changed():
    model = Tied()
    before, modules = dict(model.named_parameters(remove_duplicate=False)), dict(model.named_modules())
    changed = with_others(model, {"inner.0.bias": other()["inner.0.bias"]}, {"inner.1": nn.Identity()})
    assert isinstance(changed.inner[1], nn.Identity)
    assert changed.first is model.first
    assert changed.inner[0] is not model.inner[0]
    assert changed.inner[0].weight is model.inner[0].weight
    for name, weight in model.named_parameters(remove_duplicate=False):
        assert weight is before[name]
    assert dict(model.named_modules()) == modules
    torch.testing.assert_close(model(X), Tied()(X))


def test_trees_are_used_at_the_same_time():
    model, generator = Tied(), torch.Generator().manual_seed(3)
    own = [{"inner.0.weight": torch.randn(4, 4, generator=generator)} for _ in range(8)]
    trees = [with_others(model, weights) for weights in own]
    alone = [functional_call(Tied(), weights, X) for weights in own]
    with ThreadPoolExecutor(8) as pool, torch.no_grad():
        for _ in range(20):
            for found, expected in zip(pool.map(lambda tree: tree(X), trees), alone, strict=True):
                torch.testing.assert_close(found, expected)


def test_modules_go_in_before_weights():
    model, weight = Tied(), torch.zeros(2, 4)
    changed = with_others(model, {"inner.weight": weight}, {"inner": nn.Linear(4, 2, bias=False)})
    assert changed(X).shape == (3, 2)
    assert not changed(X).any()
    assert with_others(changed, {}, {"inner": nn.Identity()})(X).shape == (3, 4)
    assert changed(X).shape == (3, 2)


def test_a_module_in_two_places_is_one_in_the_new_tree_too():
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    model.append(model[0])
    changed = with_others(model, {"0.bias": torch.ones(4)})
    assert changed[0] is changed[2]
    assert changed[0] is not model[0]


def test_weights_take_the_number_format_of_those_they_stand_for():
    own = torch.randn(4, 4).requires_grad_()
    changed = with_others(Tied().to(torch.bfloat16), {"first.weight": own})
    assert changed.first.weight is changed.second.weight
    assert changed.first.weight.dtype == torch.bfloat16
    changed(X.bfloat16()).sum().backward()
    assert own.grad is not None
    assert own.grad.dtype == torch.float32


@pytest.mark.parametrize(
    ("weights", "modules", "error"), [({"third": torch.zeros(4)}, {}, KeyError), ({}, {"a.b": X}, AttributeError)]
)
def test_a_name_that_is_not_there(weights, modules, error):
    with pytest.raises(error):
        with_others(Tied(), weights, modules)


def test_a_copy_of_the_tree_takes_modules_without_a_trace_in_the_model():
    model = Tied()
    tree = copied(model)
    assert dict(tree.named_parameters()).keys() == dict(model.named_parameters()).keys()
    assert all(weight is dict(model.named_parameters())[name] for name, weight in tree.named_parameters())
    assert not {*tree.modules()} & {*model.modules()}
    tree.inner.append(nn.ReLU())
    tree.first = nn.Identity()
    torch.testing.assert_close(model(X), Tied()(X))
