"""The percentile interval by hand."""

from __future__ import annotations

import numpy as np

from trimtab.evaluation.interval.interval import Interval, percentile_interval


def test_it_leaves_out_2_5_percent_on_either_side() -> None:
    assert percentile_interval(np.random.default_rng(0).permutation(np.arange(1001.0))) == Interval(25.0, 975.0)
