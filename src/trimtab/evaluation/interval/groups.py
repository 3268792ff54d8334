"""Rows that belong together, which intervals draw and tests exchange whole. Knows nothing about what rows hold.

N rows, G groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.interval.bootstrap import Floats, Ints


@dataclass(frozen=True)
class Groups:
    """Which of N rows belong together: what one of them shows, the others of its group may only repeat.

    Attributes:
        of_N: the group of each row, from 0 to G - 1, each of them taken.
    """

    of_N: Ints

    @property
    def count(self) -> int:
        """G."""
        return int(self.of_N.max(initial=-1)) + 1

    @property
    def alone(self) -> bool:
        """Whether each row is a group of its own."""
        return self.count == len(self.of_N)

    @property
    def sizes_G(self) -> Ints:
        """The rows of each group."""
        sizes_G: Ints = np.bincount(self.of_N, minlength=self.count)
        return sizes_G

    def part(self, at: Ints) -> Groups:
        """The groups of some of the rows, of those places."""
        return Groups(np.unique(self.of_N[at], return_inverse=True)[1])

    def sums(self, values: NDArray[np.floating]) -> Floats:
        """Values a row summed over the rows of each group, shapes (N, ...) -> (G, ...)."""
        if self.alone:
            ordered: Floats = np.empty(values.shape, dtype=np.float64)
            ordered[self.of_N] = values
            return ordered
        summed: Floats = np.zeros((self.count, *values.shape[1:]))
        np.add.at(summed, self.of_N, values)
        return summed


def groups_of(names: Sequence[str]) -> Groups:
    """Return the groups of rows by the name of each one's group; a row of the group "" is one by itself."""
    numbers: dict[object, int] = {}
    found = [numbers.setdefault(name or row, len(numbers)) for row, name in enumerate(names)]
    return Groups(np.array(found, dtype=np.int64))


def each_alone(rows: int) -> Groups:
    """Return the groups of so many rows that have nothing to do with one another."""
    return Groups(np.arange(rows, dtype=np.int64))
