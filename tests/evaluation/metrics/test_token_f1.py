"""F1 of short answers: the rules of SQuAD v1.1 and CMRC 2018, case by case."""

from __future__ import annotations

import time

import pytest

from trimtab.evaluation.metrics.exact_match import exact_match
from trimtab.evaluation.metrics.token_f1 import cmrc_f1, squad_f1, token_f1


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
        ("voila\u0300 a\u0300", "voilà à", 1, 1),
        ("x\u0327 a\u0327", "x\u0327", 0, 2 / 3),  # no article
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
        ("हिन्दी में", "में हिन्दी", 0, 0.5),
        ("A-B", "ab", 1, 1),  # hyphens go before words are told apart
        ("", "北京", 0, 0),
        ("。", "！", 1, 1),
        ("是的。", "是的.", 0, 0.8),  # an ASCII full stop is not left out
    ],
)
def test_cmrc(text: str, reference: str, same: float, f1: float) -> None:
    assert exact_match([text], [[reference]], chinese=True).value == same
    assert cmrc_f1(text, reference) == pytest.approx(f1)


def test_the_best_reference_counts_and_the_signature_names_the_rules() -> None:
    found = token_f1(["Eiffel Tower", "x"], [["Paris", "the Eiffel"], ["x", "y"]], chinese=False)
    assert (found.value, found.signature) == (pytest.approx((2 / 3 + 1) / 2), "rules:squad-v1.1")
    assert found.per_row == pytest.approx([2 / 3, 1])


def test_long_texts_take_no_quadratic_time() -> None:
    begun = time.process_time()
    assert cmrc_f1("服务态度很好" * 17_000, "态度很好服务" * 17_000) == pytest.approx(1, abs=1e-4)
    assert squad_f1("a word " * 15_000, "the word " * 15_000) == 1
    assert time.process_time() - begun < 20
