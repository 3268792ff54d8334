"""Exact match, F1 and final numbers: the rules of SQuAD v1.1, CMRC 2018 and GSM8K, case by case."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.answer_match import (
    cmrc_f1,
    exact_match,
    final_number,
    numeric_match,
    squad_f1,
    token_f1,
)
from trimtab.evaluation.text.tokens import longest_common_run


@pytest.mark.parametrize(
    ("text", "reference", "same", "f1"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1, 1),
        ("in the  Eiffel Tower", "Eiffel Tower", 0, 0.8),  # 2 of 3, 2 of 2
        ("a, b c", "c b", 0, 1),  # the article a is no word, and F1 knows no order
        ("it's", "its", 1, 1),
        ("theatre", "the atre", 0, 0),
        ("dog dog cat", "dog cat cat", 0, 2 / 3),  # each word as often as it is in both
        ("", "Paris", 0, 0),
        ("the", "An", 1, 1),
        ("10,000", "10000", 1, 1),
        ("Café 👍", "café", 0, 2 / 3),
    ],
)
def test_squad(text: str, reference: str, same: float, f1: float) -> None:
    assert exact_match([text], [[reference]], chinese=False).value == same
    assert squad_f1(text, reference) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("text", "reference", "same", "f1"),
    [
        ("《红楼梦》", "红楼梦", 1, 1),
        ("北京市", "北京", 0, 0.8),  # the run 北京: 2 of 3, 2 of 2
        ("北东京", "北京", 0, 0.4),  # the run 京 alone, not 北 and 京: 1 of 3, 1 of 2
        ("1958年，夏天", "1958年夏天", 1, 1),
        ("iPhone 15发布", "iphone 15", 0, 2 * 2 / (4 + 2)),  # iphone, 15, 发, 布 beside iphone, 15
        ("3.5米", "3.5 米", 0, 1),
        ("A-B", "ab", 1, 1),  # hyphens go before words are told apart
        ("", "北京", 0, 0),
        ("。", "！", 1, 1),
        ("是的。", "是的.", 0, 0.8),  # an ASCII full stop is not left out
    ],
)
def test_cmrc(text: str, reference: str, same: float, f1: float) -> None:
    assert exact_match([text], [[reference]], chinese=True).value == same
    assert cmrc_f1(text, reference) == pytest.approx(f1)


def test_the_best_reference_counts_and_signatures_name_the_rules() -> None:
    found = token_f1(["Eiffel Tower", "x"], [["Paris", "the Eiffel"], ["x", "y"]], chinese=False)
    assert (found.value, found.signature) == (pytest.approx((2 / 3 + 1) / 2), "rules:squad-v1.1")
    assert found.per_row == pytest.approx([2 / 3, 1])
    assert exact_match(["北京"], [["上海", "北京。"]], chinese=True).signature == "rules:cmrc2018"
    assert exact_match(["北京"], [["上海", "北京。"]], chinese=True).value == 1


def run_by_table(one: list[str], other: list[str]) -> int:
    """The table of CMRC 2018's script."""
    lengths = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, x in enumerate(one):
        for j, y in enumerate(other):
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if x == y else 0
    return max(map(max, lengths))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from("abc"), max_size=25), st.lists(st.sampled_from("abcd"), max_size=25))
def test_the_longest_run_is_that_of_the_table(one: list[str], other: list[str]) -> None:
    assert longest_common_run(one, other) == run_by_table(one, other)


def test_long_texts_take_no_quadratic_time() -> None:
    begun = time.process_time()
    assert cmrc_f1("服务态度很好" * 17_000, "态度很好服务" * 17_000) == pytest.approx(1, abs=1e-4)
    assert final_number("1,234 " * 17_000 + "9" * 50_000) == Decimal("9" * 50_000)
    assert squad_f1("a word " * 15_000, "the word " * 15_000) == 1
    assert time.process_time() - begun < 20


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
