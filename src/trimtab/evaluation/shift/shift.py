"""Whether rows are further from train than train's own rows that are held out from it. Knows no measure.

N rows held out and judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from trimtab.evaluation.chance.holm import holm
from trimtab.evaluation.chance.one_part import lower_parts
from trimtab.evaluation.interval.bootstrap import Floats

# Every report is tested: of runs whose rows are alike, one in a hundred is warned of.
ERROR = 0.01
Measure = Literal["words", "states"]


@dataclass(frozen=True)
class Distance:
    """How far rows are from train, by one measure.

    Attributes:
        measure: `words`: share of a row's words that train does not have; `states`: cosine distance of its hidden state
            to the nearest of train.
        held_out: the mean over train's own rows that were held out.
        judged: the mean over the rows that the report rests on.
        p_value: how likely that would be as much larger if all were drawn alike (one-sided permutation test).
        p_adjusted: the same by Holm, for all measures.
    """

    measure: Measure
    held_out: float
    judged: float
    p_value: float
    p_adjusted: float

    @property
    def real(self) -> bool:
        """Whether it is more than chance explains."""
        return self.p_adjusted < ERROR


@dataclass(frozen=True)
class Shift:
    """How far the rows that a report rests on are from train.

    Attributes:
        known, held_out, judged: rows that stood for train, that were held out from it, and that were judged.
        distances: by each measure.
    """

    known: int
    held_out: int
    judged: int
    distances: list[Distance] = field(default_factory=list)


def distances(measured: Mapping[Measure, tuple[Floats, Floats]], *, seed: int = 0) -> list[Distance]:
    """Compare what rows have that were held out with what rows have that are judged, by each measure.

    Args:
        measured: measure -> the distance of each row held out, and of each row judged.
        seed: seed of the draws.
    """
    p_values = []
    for held_out, judged in measured.values():
        values_N = np.concatenate([held_out, judged])
        inside_N = np.arange(len(values_N)) >= len(held_out)
        p_values += lower_parts(-values_N, inside_N[:, None], seed=seed)
    adjusted = holm(p_values)
    return [
        Distance(measure, float(held_out.mean()), float(judged.mean()), p, own)
        for (measure, (held_out, judged)), p, own in zip(measured.items(), p_values, adjusted, strict=True)
    ]
