"""The bound on results is in units of what is expected, and the message says how far off they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from closeness import assert_near

SMALL = torch.tensor([1e-6, -2e-6])


@pytest.mark.parametrize(
    ("found", "expected", "settings"),
    [
        (torch.tensor([1e6, 10.0]), torch.tensor([1e6, 0.0]), {}),
        ([np.array([0.5, 0.50004])], [[0.5, 0.5]], {}),
        ({"a": 0.7, "b": 0.30001}, {"b": 0.3, "a": 0.7}, {}),
        (SMALL, torch.zeros(2), {"of": torch.ones(3)}),
        (torch.zeros(0, 3), torch.zeros(0, 3), {}),
        (1.02, 1.0, {"within": 0.03}),
    ],
    ids=["large beside zero", "arrays in lists", "mappings", "of something else", "nothing", "within more"],
)
def test_what_is_near(found: Any, expected: Any, settings: dict[str, Any]) -> None:
    assert_near(found, expected, **settings)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (SMALL * 1.001, SMALL),
        (SMALL, torch.zeros(2)),
        (torch.tensor([1.0, torch.nan]), torch.ones(2)),
        (torch.tensor([1.0, torch.inf]), torch.ones(2)),
        (torch.ones(2), torch.ones(1)),
        (torch.ones(2), torch.ones(2, dtype=torch.float64)),
        ({"a": 1.0}, {"b": 1.0}),
    ],
    ids=["small", "of nothing", "not a number", "infinite", "shapes", "dtypes", "keys"],
)
def test_what_is_not_near(found: Any, expected: Any) -> None:
    with pytest.raises(AssertionError):
        assert_near(found, expected)


def test_the_message_says_how_far() -> None:
    with pytest.raises(AssertionError) as error:
        assert_near([0.0, 4.5], [0.0, 5.0], what="scores")
    assert str(error.value).split("\n")[0] == "scores: 0.5 away, 0.1 of the largest expected (5), beyond 0.0001"
