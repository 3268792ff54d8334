"""Approximate randomisation, for any metric made of sums over rows. Knows nothing about what the metrics are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.evaluation.chance.coins import THROWS, coins, p_value_of
from trimtab.evaluation.interval.groups import Groups, each_alone
from trimtab.evaluation.interval.row_sums import RowSums


def randomisation_tests(
    pairs: Sequence[tuple[RowSums, RowSums]],
    groups: Groups | None = None,
    *,
    seed: int = 0,
    exchanges: int = THROWS,
) -> list[float]:
    """Return two-sided p-values by approximate randomisation (Noreen 1989; Yeh 2000; Riezler & Maxwell 2005).

    If the systems were equally good, which of them gave which answer would be a coin's throw on each row; p is the
    share of throws, what was seen among them, whose difference is at least as large as that seen. scipy's
    permutation_test works on values a row, of which such a metric is no mean.

    Args:
        pairs: of each metric, the figures of system a and of system b; all of the same rows.
        groups: which rows are exchanged together, by one throw; each alone by default.
        seed: seed of the throws, the same ones for all metrics.
        exchanges: how many throws.
    """
    extreme = np.zeros(len(pairs), dtype=np.int64)
    if not pairs:
        return []
    groups = groups or each_alone(len(pairs[0][0].rows_NS))
    for swapped_BG in coins(groups.count, exchanges, seed):
        for m, (a, b) in enumerate(pairs):
            gained_BS = swapped_BG @ groups.sums(b.rows_NS - a.rows_NS)
            found_B = a.of_sums(a.rows_NS.sum(axis=0) + gained_BS) - b.of_sums(b.rows_NS.sum(axis=0) - gained_BS)
            # Sums of fractions differ in the last digits with the order they are added in.
            seen = abs(a.value - b.value)
            extreme[m] += int((np.abs(found_B) >= seen - 1e-9 * max(1.0, seen)).sum())
    return [p_value_of(int(more), exchanges) for more in extreme]
