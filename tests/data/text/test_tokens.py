"""Tokens to a text and back: words, marks, Chinese characters, numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.data.text.tokens import cut, joined, leads


@pytest.mark.parametrize(
    ("join", "text"),
    [
        ("auto", "我爱 New York ，真的。 Yes"),
        ("space", "我 爱 New York ， 真 的 。 Yes"),
        ("none", "我爱NewYork，真的。Yes"),
    ],
)
def test_tokens_as_a_text(join: Any, text: str) -> None:
    assert joined(["我", "爱", "New", "York", "，", "真", "的", "。", "Yes"], join) == text
    assert leads([], join) == []


def test_a_text_is_cut_into_tokens() -> None:
    text = "It's 3.5 km (5,632 m) to  Pre-Party，去北京。カナ!"
    assert [text[start:end] for start, end in cut(text)] == [
        "It's", "3.5", "km", "(", "5,632", "m", ")", "to", "Pre-Party", "，", "去", "北", "京", "。", "カ", "ナ", "!",
    ]  # fmt: skip
    assert cut(" \n\u3000\x1c") == []


@pytest.mark.parametrize(
    "words", [["हिन्दी", "में", "!"], ["x\u0327y", "z\u0302"], ["สวัสดี", "ครับ"], ["か\u3099", "👍\ufe0f"]]
)
def test_marks_belong_to_tokens(words: list[str]) -> None:
    text = " ".join(words)
    assert [text[start:end] for start, end in cut(text)] == words


@given(st.text())
def test_tokens_are_all_of_a_text_but_its_white_space(text: str) -> None:
    places = cut(text)
    assert all(start < end for start, end in places)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
    assert "".join(text[start:end] for start, end in places) == "".join(text.split())


@given(st.lists(st.text(min_size=1), max_size=8), st.sampled_from(["auto", "space", "none"]))
def test_what_stands_between_tokens_is_a_space_or_nothing(tokens: list[str], join: Any) -> None:
    between = leads(tokens, join)
    assert joined(tokens, join) == "".join(a + b for a, b in zip(between, tokens, strict=True))
    assert between[:1] == [""][: len(tokens)]
    assert set(between) <= {"", " "}
    if join == "space":
        assert joined(tokens, join) == " ".join(tokens)
