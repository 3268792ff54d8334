"""What a comparison is asked for. Knows nothing about measuring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trimtab.ways.ways import WayKind

# (way, seed, training rows) -> told before a cell is measured
OnCell = Callable[[WayKind, int, int], None]


@dataclass(frozen=True)
class Wanted:
    """What a comparison is asked for.

    Attributes:
        methods: keys of the ways; the default set for the machine where None.
        seeds: seeds of every way that has a seed, from the task's own on.
        reference: key of the way that the others are compared with; the soft prompt by default, else the first.
        curve: numbers of training rows to measure every way on beside all of them.
        without_prompt: whether to measure tuned ways with their prompt taken away too.
        budget_seconds: the most time to take, or None.
        price_an_hour, currency: what an hour of this machine costs.
        run_code: run answers in free text as Python programs, in a sandbox, against the tests of their rows.
    """

    methods: Sequence[str] | None = None
    seeds: int = 1
    reference: str | None = None
    curve: Sequence[int] = ()
    without_prompt: bool = False
    budget_seconds: float | None = None
    price_an_hour: float | None = None
    currency: str = ""
    run_code: bool = False
