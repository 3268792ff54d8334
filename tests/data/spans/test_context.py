"""Contexts cut into tokens: whole characters of every script, places in characters, and never a token too long."""

from __future__ import annotations

import pytest

from trimtab.data.spans.context import cut_context, leads, tokens_of, within_word


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in cut_context(text)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Beyoncé's 10-year-old", ["Beyoncé", "'", "s", "10", "-", "year", "-", "old"]),
        ("café́ a\u0301b", ["café́", "a\u0301b"]),
        ("有3个苹果，对吗？", ["有", "3", "个", "苹", "果", "，", "对", "吗", "？"]),
        ("用iPhone15拍的😀ok", ["用", "iPhone15", "拍", "的", "😀", "ok"]),
        ("👍🏽 é", ["👍🏽", "é"]),
        ("서울은 ไทย", ["서", "울", "은", "ไ", "ท", "ย"]),
        ("6½ x² $5.50", ["6½", "x²", "$", "5", ".", "50"]),
        ("\x1c \n\t", []),
        ("", []),
    ],
)
def test_tokens_are_whole_characters(text: str, tokens: list[str]) -> None:
    assert cut(text) == tokens


def test_no_token_is_long() -> None:
    assert [len(token) for token in cut("x" * 100)] == [40, 40, 20]
    assert max(map(len, cut("e" + "\u0301" * 100))) == 13
    assert "".join(cut("a" * 99 + "\u0301" * 99)) == "a" * 99 + "\u0301" * 99


def test_what_stands_before_tokens() -> None:
    text = "  one two\n\n three，四"
    assert leads(text, cut_context(text)) == ["", " ", "\n", "", ""]
    assert leads("", []) == []


def test_the_tokens_of_a_stretch_are_those_it_touches() -> None:
    places = cut_context("one two-three four")  # one two - three four
    assert tokens_of((4, 7), places) == (1, 2)
    assert tokens_of((3, 13), places) == (1, 4)
    assert tokens_of((5, 6), places) == (1, 2)
    assert tokens_of((3, 4), places) is None
    assert tokens_of((0, 18), places) == (0, 5)
    assert tokens_of((0, 1), []) is None


def test_within_words() -> None:
    assert [at for at in range(9) if within_word("ab 3c 北京x", at)] == [1, 4]
    assert not within_word("ab", 2)
    assert within_word("e\u0301", 1)
