"""Labels that are never found are named where enough rows have them."""

from __future__ import annotations

import pytest

from trimtab.evaluation.scores.classes import ClassScore
from trimtab.reports.findings.unfound import unfound_sentence


def of(**rows: tuple[int, float]) -> list[ClassScore]:
    """Labels with so many rows, of which such a share was found."""
    return [ClassScore(label, recall, recall, recall, support) for label, (support, recall) in rows.items()]


@pytest.mark.parametrize(
    ("per_class", "said"),
    [
        (of(a=(90, 1.0), b=(5, 0.2)), ""),
        (of(a=(90, 1.0), b=(4, 0.0), c=(0, 0.0)), ""),  # too few rows to tell
        (
            of(a=(1_000, 0.0), b=(5, 0.0), c=(9, 1.0)),
            "None of the dev rows of “a” (1,000), “b” (5) was found, which the score over all rows hides.",
        ),
        (
            of(a=(5, 0.0), b=(6, 0.0), c=(7, 0.0), d=(8, 0.0), e=(9, 0.0), f=(10, 0.0), g=(11, 0.0)),
            "None of the dev rows of “g” (11), “f” (10), “e” (9), “d” (8), “c” (7) and 2 more labels was found, "
            "which the score over all rows hides.",
        ),
    ],
)
def test_labels_with_enough_rows_of_which_none_was_found(per_class: list[ClassScore], said: str) -> None:
    assert unfound_sentence("dev", per_class) == said
