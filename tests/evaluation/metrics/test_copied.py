"""Copied texts, by hand."""

from __future__ import annotations

from trimtab.evaluation.metrics.copied import copied


def test_case_and_spaces_do_not_count_and_empty_texts_are_no_copies() -> None:
    found = copied(["A  b\n", "", "Straße", "c", "a b."], ["a B", " ", "STRASSE", "d", "a b"])
    assert found.per_row is not None
    assert found.per_row.tolist() == [1, 0, 1, 0, 0]
    assert (found.value, found.metric.higher_is_better) == (0.4, None)
