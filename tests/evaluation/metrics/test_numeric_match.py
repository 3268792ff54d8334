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
        ("the room has 25 m²", "25"),
        ("25㎡", "25"),
        ("25 m2, or 25 m^2", "25"),
        ("5 m·s⁻²", "5"),
        ("CO₂", None),
        ("x² and y₁", None),
        ("45 x₁", "45"),
        ("10³", "1000"),
        ("10⁻³", "0.001"),
        ("2^10", "1024"),
        ("10^{3}", "1000"),
        ("-3²", "-9"),
        ("3 × 10⁵ km", "300000"),
        ("-2.5·10⁻² V", "-0.025"),
        ("1e3²", "1000000"),
        ("see note ¹", None),
        ("42 ¹", "42"),
        ("1234²⁰²⁰", "1234"),  # no power of more than three digits is read
        ("9e999⁹⁹⁹⁹", "9e999"),
        ("0⁻¹", "0"),
        ("1,234.5", "1234.5"),
        ("1 234", "1234"),
        ("1\u202f234\u00a0567", "1234567"),
        ("1 234,5", "1234.5"),
        ("1'234.50", "1234.5"),
        ("2024 100", "100"),
        ("1 2345", "2345"),
        ("٣", "3"),
        ("١٬٢٣٤٫٥", "1234.5"),
        ("१२३", "123"),
        ("𝟗", "9"),
        ("①", "1"),
        ("１，２３４．５", "1234.5"),
        ("－５", "-5"),
        ("–5", "-5"),
        ("pages 3–5", "5"),
        ("＃＃＃＃ ３ not 4", "3"),
        ("-₩500", "-500"),
        ("½", "0.5"),
        ("1½ cups", "1.5"),
        ("1 ½ cups", "1.5"),
        ("-2¾", "-2.75"),
        ("3⁄4", "0.75"),
        ("³⁄₄", "0.75"),
        ("1⁄0", "0"),
        ("3/4", "4"),
    ],
)
def test_final_numbers(text: str, number: str | None) -> None:
    assert final_number(text) == (number and Decimal(number))


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
    begun = time.process_time()
    for text in ("1 234 " * 17_000, "1 2⁄" * 20_000, "10⁹" * 20_000, "1," * 30_000 + "234" * 30_000, "½" * 50_000):
        final_number(text)
    assert time.process_time() - begun < 20


def test_a_third_is_a_third() -> None:
    assert numeric_match(["⅓", "1⁄3", "0.33"], [["1⁄3"], ["⅓"], ["⅓"]]).per_row == pytest.approx([1, 1, 0])
