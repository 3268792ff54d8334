"""A summary of numbers, by hand."""

from __future__ import annotations

import pytest

from trimtab.data.counts.answers import Advice, NoAnswers
from trimtab.data.counts.numbers import NumberCounts, count_numbers


def test_a_summary() -> None:
    counts = count_numbers([1.0, 2.0, 4.0, 9.0])
    assert counts == NumberCounts(1.0, 3.0, 9.0, 4.0, pytest.approx(9.5**0.5))  # type: ignore[arg-type]
    assert counts.in_words() == "numbers from 1 to 9, median 3, mean 4, standard deviation 3.082"
    assert counts.to_dict() == {
        "numbers": {"min": 1.0, "median": 3.0, "max": 9.0, "mean": 4.0, "sd": pytest.approx(9.5**0.5)}
    }


def test_nothing_but_different_numbers_for_a_text_looks_wrong() -> None:
    counts = NumberCounts(1.0, 1.0, 1.0, 1.0, 0.0)
    assert (counts.table(20), counts.balance(), counts.warnings(["2"])) == ([], [], [])
    assert counts.conflict == Advice("{texts} with different numbers", "Decide on one number for each.")


def test_no_numbers() -> None:
    assert count_numbers([]) == NoAnswers()
