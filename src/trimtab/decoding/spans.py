"""From probabilities of beginnings and ends to the stretch of a context that answers. Knows nothing about backbones.

As in Devlin et al. 2019 (section 4.3), for SQuAD 2.0: the probability of a stretch is that of its first token as a
beginning times that of its last as an end. That of no answer is the least that any window on the context finds.

w tokens of a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class SpanWindow:
    """What was read in a window on a context.

    Attributes:
        probabilities: that the answer begins, and ends, at each place [1 + w, 2], the first that of no answer.
        places: where each of the w tokens begins and ends in the context, in characters.
    """

    probabilities: Floats
    places: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class BestSpan:
    """The most probable stretch of a context.

    Attributes:
        place: its first character, and the one behind its last; None where the context has no token.
        probability: its own.
        none: that of no answer.
    """

    place: tuple[int, int] | None
    probability: float
    none: float

    @property
    def share(self) -> float:
        """Its probability over that and that of no answer: what a threshold is held against; 0 of no token."""
        both = self.probability + self.none
        return 0.0 if self.place is None else self.probability / both if both else 0.5

    def given(self, threshold: float) -> tuple[int, int] | None:
        """The stretch where its share reaches the threshold; None for no answer."""
        return self.place if self.share >= threshold else None


def best_span(windows: Sequence[SpanWindow], longest: int) -> BestSpan:
    """The most probable stretch within any window, of `longest` tokens at most; of equals the shortest one."""
    best, place = -1.0, None
    for window in windows:
        start_w, end_w = window.probabilities[1:].T
        for more in range(min(longest, len(start_w))):
            own_w = start_w[: len(start_w) - more] * end_w[more:]
            first = int(own_w.argmax())
            if own_w[first] > best:
                best, place = float(own_w[first]), (window.places[first][0], window.places[first + more][1])
    none = min(float(window.probabilities[0].prod()) for window in windows)
    return BestSpan(place, max(best, 0.0), none)
