"""Empty texts, by hand."""

from __future__ import annotations

from trimtab.evaluation.metrics.empty import empty


def test_spaces_are_no_text() -> None:
    found = empty(["", " \n\t", "\u3000", "0"])
    assert (found.value, found.metric.higher_is_better) == (0.75, False)
