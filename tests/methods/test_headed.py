"""A head trained together with another method: what is the other's stays as it is."""

from __future__ import annotations

import pytest
import torch
from made_methods import method_of

from trimtab.methods.headed import BIAS, WEIGHT, Headed


def test_the_other_method_is_as_it_would_be_alone(pretrained):
    other = method_of(pretrained, {"name": "soft_prompt", "length": 4})
    both = Headed(other, other.material)
    start = both.initial(3)
    assert torch.equal(start["prompt"], other.initial(3)["prompt"])
    assert not torch.equal(start[WEIGHT], both.initial(4)[WEIGHT])
    condition = both.condition(start)
    torch.testing.assert_close(condition.soft, other.condition(other.initial(3)).soft)
    assert condition.head[0] is start[WEIGHT]
    assert condition.head[1] is start[BIAS]
    assert both.rate * both.factor(WEIGHT) == pytest.approx(0.01)
    assert both.rate * both.factor("prompt") == pytest.approx(other.rate * other.factor("prompt"))
