"""Windows on a record too long for one row: which of its tokens each reads, and which get their tags from it.

Knows nothing about tokenizers, templates or tags. W tokens.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

# Neighbouring windows share at most this part of the ids that fit in one.
SHARED = 1 / 4


class Window(NamedTuple):
    """A stretch of a record's tokens, counted from 0, that is read as one row.

    Attributes:
        read: the tokens that stand in it.
        own: those of them that get their tags from it, and from no other window.
    """

    read: range
    own: range


def windows(sizes: Sequence[int], room: int, *, both_sides: bool) -> list[Window]:
    """Cut a record between its tokens: into one window if it fits, else into few and about equally long ones.

    Neighbours share tokens, as many as `SHARED` allows; none stands in three windows. A shared token belongs to the
    window whose edge it is further from: what two windows share is parted in its middle. Where ids see only what
    precedes them, only the edge before a token counts, and it belongs to the earlier window.

    Args:
        sizes: ids of each token [W], at least 1 and at most `room`.
        room: most ids in a window.
        both_sides: whether an id sees what follows it.
    """
    ends = list(accumulate(sizes, initial=0))  # ids before each token, and in all
    shared = int(room * SHARED)
    fewest = len(_stretches(ends, room, shared))
    shortest = bisect_left(
        range(room), True, lo=max(sizes, default=0), key=lambda size: len(_stretches(ends, size, shared)) <= fewest
    )
    stretches = _stretches(ends, shortest, shared)
    part = _middle if both_sides else _end
    borders = [0, *(part(ends, a, b) for a, b in pairwise(stretches)), len(sizes)]
    return [Window(read, range(*own)) for read, own in zip(stretches, pairwise(borders), strict=True)]


def _stretches(ends: Sequence[int], size: int, shared: int) -> list[range]:
    """Stretches of as many tokens as `size` ids hold, each sharing at most `shared` ids with the one before."""
    found: list[range] = []
    start = before = 0
    while True:
        end = bisect_right(ends, ends[start] + size) - 1
        found.append(range(start, end))
        if end == len(ends) - 1:
            return found
        again = min(shared, size - (ends[end + 1] - ends[end]))  # the next token must have room behind them
        start, before = max(before, bisect_left(ends, ends[end] - again)), end


def _middle(ends: Sequence[int], one: range, other: range) -> int:
    """The first token that is further from the beginning of `other` than from the end of `one`."""
    both = ends[other.start] + ends[one.stop]
    return bisect_right(range(one.stop), both, lo=other.start, key=lambda at: ends[at] + ends[at + 1])


def _end(ends: Sequence[int], one: range, other: range) -> int:
    """The first token that `one` does not hold."""
    return one.stop
