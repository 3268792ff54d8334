"""The length ratio by hand."""

from __future__ import annotations

import pytest

from trimtab.evaluation.metrics.length_ratio import length_ratio


def test_of_several_references_the_nearest_in_length_counts_the_shorter_of_equals() -> None:
    found = length_ratio(["one two three", "很好", ""], [["a", "a b c d e f", "a b"], ["好", "好吃的"], ["x y"]])
    assert found.value == pytest.approx((3 + 2 + 0) / (2 + 1 + 2))
    assert found.per_row == pytest.approx([3 / 2, 2, 0])
    assert (found.metric.unit, found.metric.higher_is_better) == ("ratio", None)


def test_references_without_a_word_give_no_error() -> None:
    assert length_ratio(["one"], [["!"]]).value == 0
