"""Where prompts start, by hand-made numbers."""

from __future__ import annotations

import pytest
import torch

from trimtab.methods.start import typical_size


def test_a_few_huge_channels_do_not_decide_the_typical_size():
    normal = torch.randn(20, 576, generator=torch.Generator().manual_seed(0)) * 3
    assert typical_size(normal) == pytest.approx(3, rel=0.03)
    normal[:, 7] = 1600
    assert normal.square().mean().sqrt() > 60
    assert typical_size(normal) == pytest.approx(3, rel=0.03)
