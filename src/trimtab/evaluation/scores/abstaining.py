"""From which probability on to answer, so that answers given are right as often as is wanted. Knows nothing of models.

N rows of dev, k of them answered.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.interval.bootstrap import Floats

# The chance that fewer of the answers given are right than is wanted.
ERROR = 0.05
# Numbers of answered rows at which the search may begin anew, each with its share of the error.
STARTS = 5
DIGITS = 6
# A probability that none reaches: nothing is answered.
NEVER = 2.0


def answer_from(confidence_N: NDArray[Any], right_N: NDArray[np.bool_], wanted: float) -> float:
    """Return the lowest probability from which on, with 95% confidence, the wanted share of answers is right.

    With rows ordered by confidence, the surest k of them are answered. Of each k the hypothesis that the answers are
    right less often than is wanted is tested by the binomial distribution (Clopper and Pearson 1934; Geifman and
    El-Yaniv 2017), and the largest k of which it is refused is taken. All k are one family (Learn then Test:
    Angelopoulos et al. 2021), by the fallback procedure (Wiens 2003): `STARTS` of them, spread evenly, have an equal
    share of the error, and each refusal hands what it had on to the next larger k. It holds where answers that are
    surer are right as often or more often, for rows drawn as these were, which nothing else was fitted to; it is
    simulated in `tests/evaluation/scores/test_abstaining.py`.

    Args:
        confidence_N: the probability of each row's likeliest label.
        right_N: whether that is right.
        wanted: share of the answers given that are to be right.

    Returns:
        The probability, rounded down to six digits; `NEVER` where no number of rows shows it.
    """
    from scipy.special import bdtr  # scipy.stats takes a second to import

    sure_N = np.floor(np.asarray(confidence_N, dtype=np.float64) * 10**DIGITS) / 10**DIGITS
    order_N = np.argsort(-sure_N, kind="stable")
    sure_N, wrong_N = sure_N[order_N], np.cumsum(~right_N[order_N])
    ends = np.flatnonzero(np.append(sure_N[1:] < sure_N[:-1], True))  # rows that are equally sure are answered together
    p_values = bdtr(wrong_N[ends], ends + 1, 1 - wanted)
    best, error = -1, 0.0
    for end, p_value, share in zip(ends.tolist(), p_values.tolist(), _shares(ends, wanted).tolist(), strict=True):
        error += share
        if p_value <= error:
            best = end
        else:
            error = 0.0
    return NEVER if best < 0 else float(sure_N[best])


def _shares(ends: NDArray[np.intp], wanted: float) -> Floats:
    """The share of the error that each number of answered rows has by itself; it does not depend on what is right."""
    rows = int(ends[-1]) + 1
    starts = STARTS
    while starts > 1 and _fewest(ERROR / starts, wanted) > rows:
        starts -= 1
    found = np.zeros(len(ends))
    for start in np.linspace(min(_fewest(ERROR / starts, wanted), rows), rows, starts):
        found[int(np.searchsorted(ends + 1, math.ceil(start)))] += ERROR / starts
    return found


def _fewest(error: float, wanted: float) -> int:
    """How few rows, all right, can show it with so small an error."""
    return math.ceil(math.log(error) / math.log(wanted))
