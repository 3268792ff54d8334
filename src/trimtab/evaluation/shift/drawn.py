"""Which rows of train stand for train, which are held out from it, and which rows are held against both.

If the rows to be judged are like train, they and the rows held out are drawn alike, and any measure of their distance
to the rest of train has the same distribution in both: that is what is tested. Knows no measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.data.duplicates import kin
from trimtab.data.example import Example

# Of fewer rows that do not belong together nothing is told: of train, and to be judged.
FEWEST_TRAIN, FEWEST_JUDGED = 40, 10
# Rows held out are a fifth of train, but so many where half of train has them.
HELD_OUT_OF_FEW = 50


@dataclass(frozen=True)
class Drawn:
    """Rows of train that stand for it, rows of train held out, and rows to be judged."""

    known: list[Example]
    held_out: list[Example]
    judged: list[Example]


def drawn(
    train: Sequence[Example], judged: Sequence[Example], *, most_known: int, most: int, seed: int = 0
) -> Drawn | None:
    """Draw the rows, the same at every call; None where there are too few.

    Rows that belong together (twins, and rows of a group) are on one side, and but one of them is held out or judged.

    Args:
        train, judged: all rows.
        most_known: the most rows that stand for train.
        most: the most rows that are held out, and judged.
        seed: seed of the draw.
    """
    of_train, of_judged = kin(train), kin(judged)
    if len(of_train) < FEWEST_TRAIN or len(of_judged) < FEWEST_JUDGED:
        return None
    random = np.random.default_rng(seed)
    order = random.permutation(len(of_train)).tolist()
    held_out = min(most, max(len(of_train) // 5, min(len(of_train) // 2, HELD_OUT_OF_FEW)))
    known = [i for group in order[held_out:] for i in of_train[group]]
    taken = random.permutation(len(of_judged))[:most].tolist()
    return Drawn(
        [train[i] for i in known[:most_known]],
        [train[of_train[group][0]] for group in order[:held_out]],
        [judged[of_judged[group][0]] for group in taken],
    )
