"""Hidden states that are read once and kept in memory. Knows nothing about models, rows or training.

w hidden states of one row, D hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

Key = TypeVar("Key", bound=Hashable)


@dataclass
class Budget:
    """Memory for hidden states that are kept.

    Attributes:
        left: bytes that are not taken yet.
    """

    left: int

    def take(self, size: int) -> bool:
        """Whether `size` bytes more fit, which are then taken."""
        if size > self.left:
            return False
        self.left -= size
        return True


class HiddenStateCache(Generic[Key]):
    """Hidden states [w, D] of rows, by key.

    Rows that are expected are read in groups, of which each is read whole when one of its rows is first asked for, and
    kept. What does not fit, or was not expected, is read whenever it is asked for. Groups, and what fits, follow from
    what is expected alone and not from what was asked for before: the bits of a row depend on what it is read with, and
    a training that is resumed must find those that one never stopped finds.

    Args:
        budget: memory to keep them in; what is expected is taken from it at once.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._group_of: dict[Key, list[Key]] = {}
        self._kept: dict[Key, torch.Tensor] = {}

    def expect(self, groups: Iterable[Iterable[Key]], size: Callable[[Key], int]) -> None:
        """Say which rows will be asked for, in groups to read together, and how many bytes each will take."""
        for group in groups:
            new = [key for key in dict.fromkeys(group) if key not in self._group_of]
            fitting = [key for key in new if self._budget.take(size(key))]
            self._group_of |= dict.fromkeys(fitting, fitting)

    def states(
        self, keys: Sequence[Key], read: Callable[[Sequence[Key]], Sequence[torch.Tensor]]
    ) -> list[torch.Tensor]:
        """Hidden states [w, D] of each of these rows; `read` makes those of several rows together."""

        def made(keys: Sequence[Key]) -> dict[Key, torch.Tensor]:
            return dict(zip(keys, read(keys), strict=True)) if keys else {}

        for key in keys:
            if key in self._group_of and key not in self._kept:
                self._kept |= made(self._group_of[key])
        others = made([key for key in dict.fromkeys(keys) if key not in self._kept])
        return [self._kept[key] if key in self._kept else others[key] for key in keys]
