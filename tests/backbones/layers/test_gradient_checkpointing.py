"""Layers that are run again in the backward pass give the values and gradients of layers that are not."""

from __future__ import annotations

from contextlib import contextmanager

import torch
from torch import nn

from trimtab.backbones.layers.gradient_checkpointing import Checkpointed


class Counted(nn.Module):
    """A layer that counts its runs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.kind, self.runs = nn.Linear(4, 4), "counted", 0

    def forward(self, x: torch.Tensor, *, scale: float = 1.0) -> torch.Tensor:
        self.runs += 1
        return torch.tanh(self.linear(torch.tanh(x))) * scale


@contextmanager
def noted(into: list[str]):
    into.append("in")
    try:
        yield
    finally:  # torch stops by an exception once it has what it needs
        into.append("out")


def test_values_and_gradients_are_the_layers_own():
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    layer, plain, around = Counted(), Counted(), []
    found = Checkpointed(layer, lambda: noted(around))(ours, scale=3.0)
    assert (layer.runs, around) == (1, [])  # the first time it runs in what is there already
    expected = plain(theirs, scale=3.0)
    assert torch.equal(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    assert (layer.runs, around) == (2, ["in", "out"])
    assert torch.equal(ours.grad, theirs.grad)
    for mine, reference in zip(layer.parameters(), plain.parameters(), strict=True):
        assert torch.equal(mine.grad, reference.grad)


def test_only_what_enters_is_kept():
    x = torch.randn(3, 4).requires_grad_()
    sizes: dict[bool, int] = {}
    for checkpointing in (False, True):
        kept: list[torch.Tensor] = []
        layer = Counted().requires_grad_(False)
        with torch.autograd.graph.saved_tensors_hooks(lambda t, kept=kept: kept.append(t) or t, lambda t: t):
            (Checkpointed(layer, lambda: noted([])) if checkpointing else layer)(x)
        sizes[checkpointing] = sum(t.numel() for t in kept)
    assert sizes[True] < sizes[False]


def test_it_answers_for_its_layer_and_adds_no_names():
    layer = Counted()
    made = Checkpointed(layer, lambda: noted([]))
    assert made.kind == "counted"
    assert made.linear is layer.linear
    assert list(nn.ModuleDict({"layer": made}).state_dict()) == []
    assert not hasattr(made, "no_such_thing")
