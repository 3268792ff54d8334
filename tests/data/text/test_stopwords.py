"""The lists of stop words: what must be in none of them, and which words are kept whole."""

from __future__ import annotations

import pytest

from trimtab.data import clean_text
from trimtab.data.text.stopwords import CHINESE, CHINESE_KEPT, ENGLISH

NEGATIONS = {
    "not",
    "no",
    "never",
    "nor",
    "none",
    "cannot",
    "without",
    "very",
    "too",
    "but",
    "不",
    "没",
    "无",
    "别",
    "很",
    "太",
    "非",
}


def test_words_that_turn_or_grade_a_meaning_are_in_none() -> None:
    assert not (ENGLISH | CHINESE) & NEGATIONS
    assert not [word for word in CHINESE if set(word) & {"不", "没", "无", "别", "很", "太"}]


def test_english_words_are_small_letters() -> None:
    assert [word for word in ENGLISH if not (word.isascii() and word.isalpha() and word.islower())] == []


def test_every_word_that_is_kept_holds_one_that_is_not() -> None:
    assert not CHINESE & CHINESE_KEPT
    assert [word for word in CHINESE_KEPT if not any(stop in word for stop in CHINESE)] == []


@pytest.mark.parametrize("word", sorted(CHINESE_KEPT))
def test_words_that_are_kept_stay_whole(word: str) -> None:
    assert clean_text(f"买{word}买", ["stopwords-zh"]) == f"买{word}买"
