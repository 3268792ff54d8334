"""pass@k of programs that were run. Knows nothing about running them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.metric import Metric, MetricResult, mean_of_rows


def pass_at_k(samples: Sequence[int], passed: Sequence[int], k: int) -> MetricResult:
    """Return pass@k of N problems (Chen et al. 2021, section 2.1): the chance that one of k samples passes.

    The estimate is unbiased: with n samples of which c passed, 1 - (n - c over k) / (n over k).

    Args:
        samples: n of each problem.
        passed: c of each problem.
        k: samples that one may try.

    Raises:
        TrimtabError: no problems; k below 1; a problem with fewer than k samples, or with more passed than there are.
    """
    if not samples:
        raise TrimtabError("There are no problems to score.", "Check that the data file has rows.")
    assert len(samples) == len(passed), (len(samples), len(passed))
    if k < 1:
        raise TrimtabError(f"pass@{k}: k must be 1 or more.")
    values = []
    for row, (n, c) in enumerate(zip(samples, passed, strict=True), start=1):
        if n < k:
            raise TrimtabError(f"Row {row}: pass@{k} needs {k} samples or more, found {n}.", "Draw more samples.")
        if not 0 <= c <= n:
            raise TrimtabError(f"Row {row}: {c} of {n} samples cannot have passed.")
        values.append(1.0 if n - c < k else 1 - float(np.prod(1 - k / np.arange(n - c + 1, n + 1))))
    what = f"problems that one of {k} programs solves" if k > 1 else "programs that pass their tests"
    return mean_of_rows(Metric(f"pass@{k}", what), values, signature="estimator:unbiased")
