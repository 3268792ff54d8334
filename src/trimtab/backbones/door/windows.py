"""Sliding windows made short for a while, so that a short row is longer than they are. Knows nothing of what is run."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from trimtab.backbones.backbone import Backbone

# A window of more tokens is made this short.
_SHORT = 8
_NAME = "sliding_window"


@contextmanager
def narrowed(backbone: Backbone) -> Iterator[tuple[Backbone, int]]:
    """The backbone, and its model, with short sliding windows, and how long the longest of them is; 0 for none.

    A row that is longer than a window of thousands of tokens would take minutes.
    """
    holders: list[Any] = [backbone.config, *backbone.model.modules()]
    windows = [(holder, size) for holder in holders if (size := _window(holder))]
    long = [(holder, size) for holder, size in windows if size > _SHORT]
    view = copy.copy(backbone)
    fused = getattr(backbone, "fused", None)
    if fused is not None:
        layers = [replace(own, window=min(own.window, _SHORT) if own.window else None) for own in fused.layers]
        vars(view)["fused"] = replace(fused, layers=layers)
    try:
        for holder, _ in long:
            setattr(holder, _NAME, _SHORT)
        yield view, min(max((size for _, size in windows), default=0), _SHORT)
    finally:
        for holder, size in long:
            setattr(holder, _NAME, size)


def _window(holder: Any) -> int:
    size = vars(holder).get(_NAME)
    return size if isinstance(size, int) and size > 0 else 0
