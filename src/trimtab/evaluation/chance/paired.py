"""The standard error of a difference between two ways on the same rows. Knows nothing about how they answer.

N rows, G groups of rows that belong together.
"""

from __future__ import annotations

import numpy as np

from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.interval.groups import Groups, each_alone


def standard_error(moves_N: Floats, others_N: Floats, groups: Groups | None = None) -> float:
    """Return the standard error of the difference of two scores, from what each row moves them by.

    Args:
        moves_N, others_N: by how much each row moves the score of either way (see `Scorer.moves`).
        groups: which rows belong together, and count as one; each alone by default.
    """
    sums_G = (groups or each_alone(len(moves_N))).sums((moves_N - others_N)[:, None])[:, 0]
    correction = len(sums_G) / max(len(sums_G) - 1, 1)
    return float(np.sqrt(correction * np.square(sums_G).sum()) / len(moves_N))
