"""How near two results must be, in units of what is expected: bounds that hold on every processor. Knows no test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

# Instruction sets, batches and other orders of the same sums move float32 results of the tiny models by up to 1e-5 of
# the largest of them; a position that is off by one, or a bias left out, by a fifth; a LoRA scaled by 1.02 by 1e-3.
SINGLE = 1e-4


def assert_near(found: Any, expected: Any, within: float = SINGLE, *, of: Any = None, what: str = "found") -> None:
    """Assert that nothing found is further from what is expected than a share of the largest expected magnitude.

    Args:
        found, expected: numbers, sequences of them, arrays, tensors of one dtype or mappings, of one shape.
        within: the share.
        of: whose largest magnitude is meant, where what is expected is a small difference, or next to nothing.
        what: a name for the message.
    """
    __tracebackhide__ = True
    if isinstance(found, Mapping):
        assert found.keys() == expected.keys(), what
        found, expected = list(found.values()), [expected[key] for key in found]
    if isinstance(found, torch.Tensor) and isinstance(expected, torch.Tensor):
        assert found.dtype == expected.dtype, what
    found, expected = _numbers(found), _numbers(expected)
    assert found.shape == expected.shape, what
    if torch.equal(found, expected):
        return
    away = (found - expected).abs().max().item()
    largest = (expected if of is None else _numbers(of)).abs().max().item()
    share = away / largest if largest else math.inf
    message = f"{what}: {away:.3g} away, {share:.3g} of the largest expected ({largest:.3g}), beyond {within:.3g}"
    assert share <= within, message


def _numbers(given: Any) -> torch.Tensor:
    if isinstance(given, torch.Tensor):
        return given.detach().to("cpu", torch.float64)
    return torch.from_numpy(np.asarray(given, dtype=np.float64))
