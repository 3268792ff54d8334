"""Put other weights and modules into a model for a while. Knows nothing about what they are for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import torch
from torch import nn


def weight_names(model: nn.Module) -> dict[str, torch.Tensor]:
    """The model's weights by name; of names that share a tensor (tied embeddings) the first."""
    return dict(model.named_parameters(remove_duplicate=True))


@contextmanager
def swapped(
    model: nn.Module, weights: Mapping[str, torch.Tensor], modules: Mapping[str, nn.Module] | None = None
) -> Iterator[None]:
    """Run with other modules, then other weights, in their named places; all names of a tied weight follow it.

    Weights are cast to the number format of those they take the place of; gradients flow to them.

    Raises:
        KeyError: a name that the model does not have.
    """
    with ExitStack() as undo:
        for name, module in (modules or {}).items():
            parent, own = _place(model, name)
            undo.callback(parent._modules.__setitem__, own, parent._modules[own])
            parent._modules[own] = module
        tied = _places(model) if weights else {}
        for name, weight in weights.items():
            cast = None
            for parent, own in tied[name]:
                there = parent._parameters[own]
                assert there is not None
                undo.callback(parent._parameters.__setitem__, own, there)
                cast = weight.to(there.dtype) if cast is None else cast
                parent._parameters[own] = cast  # type: ignore[assignment]
        yield


def _place(model: nn.Module, name: str) -> tuple[nn.Module, str]:
    above, _, own = name.rpartition(".")
    return model.get_submodule(above), own


def _places(model: nn.Module) -> dict[str, list[tuple[nn.Module, str]]]:
    """For the first name of each weight, all the places it stands in."""
    names: dict[int, str] = {}
    out: dict[str, list[tuple[nn.Module, str]]] = {}
    for name, weight in model.named_parameters(remove_duplicate=False):
        first = names.setdefault(id(weight), name)
        out.setdefault(first, []).append(_place(model, name))
    return out
