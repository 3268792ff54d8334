"""Final numbers as GSM8K wants them, case by case."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.numeric_match import final_number, numeric_match


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("He pays 3 * 4 = 12.\n#### 12", "12"),
        ("#### 1,234.50 dollars, not 7", "1234.5"),
        ("first #### 3 then #### 4", "4"),
        ("The answer is $1,000.", "1000"),
        ("3.0", "3"),
        ("about -5 degrees", "-5"),
        ("minus sign −2.5", "-2.5"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("pages 3-5", "5"),
        ("x-7", "7"),
        ("答案是-8", "-8"),
        ("共１２３元", "123"),
        ("50%", "50"),
        ("50 %", "50"),
        (".5", "0.5"),
        ("so it is...5", "5"),
        ("1.", "1"),
        ("1e3 km", "1000"),
        ("2 eggs", "2"),
        ("1, 2, 3", "3"),
        ("1,2", "2"),
        ("12 apples #### none", "12"),
        ("¥ 88", "88"),
        ("+4", "4"),
        ("007", "7"),
    ],
)
def test_final_numbers(text: str, number: str) -> None:
    assert final_number(text) == Decimal(number)


def test_texts_without_a_number() -> None:
    assert final_number("") is final_number("three 👍 ####") is None
    assert numeric_match(["none", "3.00"], [["1"], ["4", "#### 3"]]).per_row == pytest.approx([0, 1])
    with pytest.raises(TrimtabError) as error:
        numeric_match(["1", "2"], [["1"], ["2", "two"]])
    assert str(error.value) == (
        "Row 2: the reference 'two' has no number in it. "
        "Numeric EM needs one in every reference; EM compares whole texts."
    )


def test_long_texts_take_no_quadratic_time() -> None:
    begun = time.process_time()
    assert final_number("1,234 " * 17_000 + "9" * 50_000) == Decimal("9" * 50_000)
    assert time.process_time() - begun < 20
