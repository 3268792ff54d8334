"""pass@k of programs that were run. Knows nothing about running them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.errors import TrimtabError
from trimtab.evaluation.interval.row_sums import Measured, TextScore, mean_of_rows, with_intervals


def pass_at_k(samples: Sequence[int], passed: Sequence[int], k: int, *, seed: int = 0) -> TextScore:
    """Return pass@k of N problems (Chen et al. 2021, section 2.1): the chance that one of k samples passes.

    The estimate is unbiased: with n samples of which c passed, 1 - (n - c over k) / (n over k).

    Args:
        samples: n of each problem.
        passed: c of each problem.
        k: samples that one may try.
        seed: seed of the interval's bootstrap over problems.

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
    [score] = with_intervals([_measured(values, k)], seed=seed)
    return score


def pass_at_1(passed: Sequence[bool]) -> Measured:
    """Return pass@1 of N problems with one program each (see `pass_at_k`), as measures of comparisons are made of.

    Args:
        passed: whether each program passes its tests.
    """
    return _measured([float(each) for each in passed], 1)


def _measured(values: Sequence[float], k: int) -> Measured:
    what = f"problems that one of {k} programs solves" if k > 1 else "programs that pass their tests"
    return mean_of_rows(f"pass@{k}", what, values, signature="estimator:unbiased")
