"""Times as people write them. Knows nothing about what takes so long."""

from __future__ import annotations

import math

# Longest time that may be given, in seconds.
YEAR = 366 * 86_400


def seconds_of(text: str) -> float:
    """`90s`, `10m` or `1.5h` in seconds. Raises ValueError for anything else."""
    units = {"s": 1, "m": 60, "h": 3600}
    try:
        found = float(text[:-1]) * units[text[-1:]]
    except (KeyError, ValueError):
        found = math.nan
    if not 0 < found < math.inf:
        raise ValueError(f"'{text}' is not a time such as 90s, 10m or 1.5h")
    return found
