"""A model's tree of modules with other modules and weights in it, made anew beside the model, which stays as it is.

What is not changed is shared: every weight, and every module that neither is changed nor holds one that is. Trees may
therefore be used at the same time, by as many threads as there are. Knows nothing about what the changes are for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeVar, cast

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def weight_names(model: nn.Module) -> dict[str, torch.Tensor]:
    """The model's weights by name; of names that share a tensor (tied embeddings) the first."""
    return dict(model.named_parameters(remove_duplicate=True))


def with_others(model: M, weights: Mapping[str, torch.Tensor], modules: Mapping[str, nn.Module] | None = None) -> M:
    """The model with other modules, then other weights, in their named places; all names of a tied weight follow it.

    Weights are cast to the number format of those they take the place of; gradients flow to them. A module that stands
    in several places is one module in the new tree too.

    Raises:
        KeyError: a weight that the model does not have.
        AttributeError: a module that the model does not have.
    """
    placed: dict[int, dict[str, nn.Module]] = defaultdict(dict)
    for name, module in (modules or {}).items():
        above, _, own = name.rpartition(".")
        placed[id(model.get_submodule(above))][own] = module
    tree = _rebuilt(model, placed, {}, {}) if placed else model
    tied = _places(tree) if weights else {}
    put: dict[int, dict[str, torch.Tensor]] = defaultdict(dict)
    for name, weight in weights.items():
        cast_to = tied[name][0][0]._parameters[tied[name][0][1]]
        assert cast_to is not None
        made = weight.to(cast_to.dtype)
        for parent, own in tied[name]:
            put[id(parent)][own] = made
    return cast("M", _rebuilt(tree, {}, put, {}) if put else tree)


def copied(model: M) -> M:
    """The model's whole tree with the same weights, so that modules can be put into it without a trace in the model."""
    return cast("M", _rebuilt(model, {}, {id(module): {} for module in model.modules()}, {}))


def _rebuilt(
    module: nn.Module, modules: Mapping[int, Mapping[str, nn.Module]],
    weights: Mapping[int, Mapping[str, torch.Tensor]], done: dict[int, nn.Module],
) -> nn.Module:  # fmt: skip
    """The module, or where it or a part of it is to change, a copy of it that is changed.

    Args:
        module: the module.
        modules, weights: what is put into the modules of these ids, by the names it has there.
        done: what modules of these ids became.
    """
    if id(module) in done:
        return done[id(module)]
    own = dict(module._modules)
    for name, child in module._modules.items():
        if child is not None:
            own[name] = _rebuilt(child, modules, weights, done)
    own |= modules.get(id(module), {})
    changed = id(module) in weights or any(own[name] is not child for name, child in module._modules.items())
    if not changed:
        done[id(module)] = module
        return module
    made = done[id(module)] = module.__new__(type(module))
    made.__dict__.update(module.__dict__)
    made.__dict__["_modules"] = own
    made.__dict__["_buffers"] = dict(module._buffers)
    made.__dict__["_parameters"] = {**module._parameters, **weights.get(id(module), {})}
    return made


def _places(model: nn.Module) -> dict[str, list[tuple[nn.Module, str]]]:
    """For the first name of each weight, all the places it stands in."""
    names: dict[int, str] = {}
    out: dict[str, list[tuple[nn.Module, str]]] = {}
    for name, weight in model.named_parameters(remove_duplicate=False):
        first = names.setdefault(id(weight), name)
        above, _, own = name.rpartition(".")
        out.setdefault(first, []).append((model.get_submodule(above), own))
    return out
