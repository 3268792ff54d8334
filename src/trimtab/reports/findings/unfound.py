"""Labels that are never found, which accuracy hides where they are rare. Knows nothing about tasks."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.evaluation.scores.classes import ClassScore

# With fewer rows of a label, that none was found tells little.
FEWEST = 5
MOST_NAMED = 5


def unfound_sentence(split: str, per_class: Sequence[ClassScore]) -> str:
    """Name the labels with at least `FEWEST` rows of which none was found, the commonest first; "" without any."""
    found = sorted((c for c in per_class if c.support >= FEWEST and c.recall == 0), key=lambda c: -c.support)
    if not found:
        return ""
    named = ", ".join(f"“{c.label}” ({c.support:,})" for c in found[:MOST_NAMED])
    rest = len(found) - MOST_NAMED
    more = f" and {rest} more label{'s' if rest > 1 else ''}" if rest > 0 else ""
    return f"None of the {split} rows of {named}{more} was found, which the score over all rows hides."
