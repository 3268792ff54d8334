"""Answers found in contexts: where they are said to stand, else where they stand, else what is like them."""

from __future__ import annotations

import pytest

from trimtab.data.spans.find import FoundAnswer, find_answer

OSLO = "In Oslo, the Oslofjord 😀 and 北京 café\u0301s; oslo."


@pytest.mark.parametrize(
    ("text", "start", "place", "how"),
    [
        ("Oslo", 3, (3, 7), "said"),
        ("Oslo", 13, (13, 17), "said"),
        (" Oslo ", 2, (3, 7), "said"),
        ("Oslo", None, (3, 7), "said"),
        ("Oslo", 12, (13, 17), "moved"),
        ("Oslo", 4, (3, 7), "moved"),
        ("Oslo", 9_999, (13, 17), "moved"),
        ("fjord", None, (17, 22), "said"),
        ("😀", None, (23, 24), "said"),
        ("北京", 29, (29, 31), "said"),
        ("京", 0, (30, 31), "moved"),
        ("OSLO", None, (3, 7), "alike"),
        ("the  oslofjord", None, (9, 22), "alike"),
        ("ｏｓｌｏ， the", 3, (3, 12), "alike"),
    ],
)
def test_where_an_answer_stands(text: str, start: int | None, place: tuple[int, int], how: str) -> None:
    assert find_answer(OSLO, text, start) == FoundAnswer(place, how)  # type: ignore[arg-type]


def test_the_first_whole_word_comes_before_a_part_of_one() -> None:
    assert find_answer("there he is", "he", None) == FoundAnswer((6, 8), "said")
    assert find_answer("there is", "he", None) == FoundAnswer((1, 3), "said")


@pytest.mark.parametrize("text", ["Bergen", "Oslo fjord", "...", "slofjord 😀 or"])
def test_what_stands_nowhere(text: str) -> None:
    assert find_answer(OSLO, text, None) is None
    assert find_answer("", text, 0) is None


def test_a_hundred_thousand_characters_take_no_time() -> None:
    context = "long words and " * 6_700 + "the End"
    assert find_answer(context, "the end", 0) == FoundAnswer((100_500, 100_507), "alike")
    assert find_answer("a" * 100_000, "aa", None) == FoundAnswer((0, 2), "said")
