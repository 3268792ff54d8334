"""Layers that are run again in the backward pass. Knows nothing about what they compute."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint


class Checkpointed(nn.Module):
    """A layer that keeps only what enters it (gradient checkpointing, Chen et al. 2016).

    Args:
        layer: the layer, or whatever else is called; its attributes are answered as its own.
        again: what the layer must run within when it is run again, for it to be the same.
    """

    def __init__(self, layer: Callable[..., Any], again: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__()
        self._layer, self._again = [layer], again  # in a list: not a module of this one, so that names stay

    def __getattr__(self, name: str) -> Any:
        if name in ("_layer", "_again"):
            return self.__dict__[name]
        return getattr(self._layer[0], name)

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        """The layer, to be run again."""
        before = False

        def run(*given: Any) -> Any:
            nonlocal before
            around, before = self._again() if before else nullcontext(), True
            with around:
                return self._layer[0](*given, **keywords)

        return checkpoint(run, *arguments, use_reentrant=False)
