"""distinct-n by hand."""

from __future__ import annotations

import pytest

from trimtab.evaluation.metrics.distinct import distinct

TEXTS = ["a b a b", "", "很好 很好", "b c"]


def test_different_ngrams_by_the_number_of_tokens() -> None:
    one, two = distinct(TEXTS, order=1), distinct(TEXTS, order=2)
    assert one.value == pytest.approx(5 / 10)  # a, b, c, 很, 好 of 4 + 0 + 4 + 2 tokens
    assert two.value == pytest.approx(5 / 10)  # ab, ba, 很好, 好很, bc
    assert (one.metric.name, two.metric.name) == ("distinct-1", "distinct-2")
    assert one.per_row is one.sums is None


def test_no_words_are_not_varied() -> None:
    assert distinct(["", "👍"], order=1).value == 0
