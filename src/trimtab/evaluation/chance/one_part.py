"""Whether a part of the rows is worse than the rest by more than chance explains. Knows nothing about what is scored.

N rows, P parts, B draws.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.chance.coins import THROWS, coins, p_value_of
from trimtab.evaluation.interval.bootstrap import Floats, draws_at_once
from trimtab.evaluation.interval.groups import Groups

# Numbers that are drawn in all, and the fewest draws, so that many rows do not take minutes.
MOST_DRAWN, FEWEST_DRAWS = 30_000_000, 1_999


def lower_parts(
    values_N: Floats, inside_NP: NDArray[np.bool_], groups: Groups | None = None, *, seed: int = 0
) -> list[float]:
    """Return one-sided p-values: how likely parts would be as low as they are if it were chance which rows are in them.

    Where rows stand alone, this is the permutation test of two samples (Fisher 1935; Pitman 1937): as many rows as the
    part has are drawn from all. Where values are two, right and wrong, that is Fisher's exact test, and nothing is
    drawn. Where rows belong together, the signs of what each group adds to the difference are thrown, as whole groups
    cannot be exchanged for others of another size; that takes several groups on either side.

    Args:
        values_N: what each row has, more being better.
        inside_NP: whether each row is in each part; neither all nor none of them.
        groups: which rows belong together; each stands alone by default.
        seed: seed of the draws.
    """
    if groups and not groups.alone:
        return [_of_groups(values_N, inside_N, groups, seed) for inside_N in inside_NP.T]
    low, high = float(values_N.min()), float(values_N.max())
    if np.isin(values_N, (low, high)).all():
        return [_exact(values_N == low, inside_N) if high > low else 1.0 for inside_N in inside_NP.T]
    rows, inside = len(values_N), inside_NP.astype(np.float64)
    found_P = values_N @ inside
    slack = 1e-9 * float(np.abs(values_N).sum())  # sums differ in the last digits with their order
    draws = min(THROWS, max(FEWEST_DRAWS, MOST_DRAWN // rows))
    random, at_once = np.random.default_rng(seed), draws_at_once(rows)
    extreme_P = np.zeros(inside_NP.shape[1], dtype=np.int64)
    for done in range(0, draws, at_once):
        drawn_BN = random.permuted(np.tile(values_N, (min(at_once, draws - done), 1)), axis=1)
        extreme_P += (drawn_BN @ inside <= found_P + slack).sum(axis=0)
    return [p_value_of(int(extreme), draws) for extreme in extreme_P]


def _exact(low_N: NDArray[Any], inside_N: NDArray[np.bool_]) -> float:
    """Fisher's exact test: the chance of so many low values in the part, by the hypergeometric distribution."""
    from scipy.stats import hypergeom  # takes a second to import

    return float(hypergeom.sf(int((low_N & inside_N).sum()) - 1, len(low_N), int(low_N.sum()), int(inside_N.sum())))


def _of_groups(values_N: Floats, inside_N: NDArray[np.bool_], groups: Groups, seed: int) -> float:
    """Sign flips of what each group adds to the difference between the part and the rest."""
    shares_N = np.where(inside_N, 1 / inside_N.sum(), -1 / (~inside_N).sum())
    added_G = groups.sums((values_N - values_N.mean()) * shares_N)
    found, extreme = float(added_G.sum()), 0
    for coins_BG in coins(len(added_G), THROWS, seed):
        extreme += int(((2 * coins_BG - 1) @ added_G <= found + 1e-9 * abs(found)).sum())
    return p_value_of(extreme, THROWS)
