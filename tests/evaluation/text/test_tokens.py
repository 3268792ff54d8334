"""Tokens by hand, and the longest common run against the table of CMRC 2018's script."""

from __future__ import annotations

import string
import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.tokenize import tokenize

from trimtab.evaluation.text.tokens import longest_common_run, tokens


def test_tokens_are_single_chinese_characters_and_whole_words() -> None:
    assert tokens("这个App，共3人Café用！") == ["这", "个", "app", "共", "3", "人", "café", "用"]
    assert tokens("It's 20% off — on_the_mat 👍") == ["it", "s", "20", "off", "on", "the", "mat"]
    assert tokens("Cafe\u0301") == ["café"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("हिन्दी में क्या है?", ["हिन्दी", "में", "क्या", "है"]),
        ("வணக்கம் தமிழ்", ["வணக்கம்", "தமிழ்"]),
        ("ที่นี่ดี", ["ที่", "นี่", "ดี"]),
        ("ភាសាខ្មែរ", ["ភា", "សា", "ខ្", "មែ", "រ"]),
        (unicodedata.normalize("NFD", "Tiếng Việt"), ["tiếng", "việt"]),
        ("x\u0327y z\u0302", ["x\u0327y", "z\u0302"]),  # no composed forms
        ("שָׁלוֹם עולם", ["שָׁלוֹם", "עולם"]),
        ("کتاب‌ها خوب", ["کتاب‌ها", "خوب"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("東京へカナーで", ["東", "京", "へ", "カナー", "で"]),
    ],
)
def test_words_of_other_scripts_are_whole(text: str, expected: list[str]) -> None:
    assert tokens(text) == [unicodedata.normalize("NFC", word) for word in expected]


SCRIPTS = "ab1 !कि्दीந்เที่ນ้ខ្ễe\u0302שָعَ한がカー漢"


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from(SCRIPTS), max_size=20))
def test_tokens_are_unicodes_words_but_for_what_joins_words(text: str) -> None:
    """The package `regex` cuts as UAX 29 says; of what joins words there, and parts tokens, none is here."""
    words = regex.split(r"\b", unicodedata.normalize("NFC", text), flags=regex.WORD | regex.V1)
    without_stray_marks = (regex.sub(r"^\p{M}+", "", word) for word in words)
    assert tokens(text) == [word for word in without_stray_marks if regex.match(r"[\p{L}\p{N}]", word)]


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from(string.printable)))
def test_ascii_is_that_of_rouge_score(text: str) -> None:
    assert tokens(text) == tokenize(text, None)


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
