"""Standard errors of differences against those of paired rows by hand."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.evaluation.chance.paired import standard_error
from trimtab.evaluation.interval.groups import groups_of


@pytest.mark.parametrize("together", [False, True])
def test_standard_errors_are_those_of_paired_rows(together: bool) -> None:
    generator = np.random.default_rng(1)
    one, other = ((generator.random(200) < share).astype(float) for share in (0.8, 0.7))
    groups = groups_of([str(i // 4) for i in range(200)]) if together else None
    each = (one - other).reshape(-1, 4).mean(1) if together else one - other
    expected = np.std(each, ddof=1) / np.sqrt(len(each))
    assert standard_error(one - one.mean(), other - other.mean(), groups) == pytest.approx(expected)
    assert standard_error(one, one, groups) == 0
