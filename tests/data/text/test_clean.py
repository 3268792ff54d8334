"""Cleaning steps: what each removes, what each must leave alone."""

from __future__ import annotations

import time
import unicodedata
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.data import clean_text
from trimtab.settings.task import CleanStep

ANY_TEXT = st.text(st.characters(exclude_categories=[]))


def test_no_step_changes_nothing() -> None:
    assert clean_text(" <b>\u200b\ufeffＡ ", []) == " <b>\u200b\ufeffＡ "


def test_steps_go_in_order() -> None:
    assert clean_text("a&nbsp;<br />b", ["markup", "whitespace"]) == "a b"
    assert clean_text("＆lt;", ["fullwidth", "markup"]) == "<"
    assert clean_text("＆lt;", ["markup", "fullwidth"]) == "&lt;"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("one<br />two<BR>three", "one two three"),
        ("<p class='x'>para</p><p>next</p>", " para  next "),
        ('<a href="http://x.org/?a=1&b=2" target=_blank>link</a>s', "links"),
        ("a <!-- note\n --> b", "a   b"),
        ('a<!-- <b> <a x="--><i>b</i> <!-->c', "a b <!-->c"),
        ("<!---->a<!-- b --> -->", " a  -->"),
        ("<!DOCTYPE html><html>x</html>", "  x "),
        ("Tom &amp; Jerry &quot;live&quot; &#39;now&#x27; &eacute;", "Tom & Jerry \"live\" 'now' é"),
        ("&lt;b&gt;", "<b>"),
    ],
)
def test_markup_goes(text: str, clean: str) -> None:
    assert clean_text(text, ["markup"]) == clean


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "a<b",
        "x <b and c> d",
        "<user> said <unk>",
        "I <3 you",
        "AT&T",
        "?a=1&copy=2",
        "&nosuch;",
        "<>",
        "a <!-- never ends",
        "<!->",
    ],
)
def test_markup_leaves_alone(text: str) -> None:
    assert clean_text(text, ["markup"]) == text


@pytest.mark.timeout(60)  # a moment where the time grows with the length; minutes where it grows with its square
@pytest.mark.parametrize(
    "text",
    ["<!--", "<b", "<b ", '<a x="', "<a x=y", "<a x=\"' ", "</", "<!doctype ", "&a", "&#1", "\u200d", "的", "the."],
)
def test_hostile_texts_take_no_longer_than_others(text: str) -> None:
    many = text * 10_000
    assert clean_text(many, ["markup"]) == many
    clean_text(many, get_args(CleanStep))


@given(ANY_TEXT)
def test_control_removes_controls_and_no_letter(text: str) -> None:
    clean = clean_text(text, ["control"])
    assert not [c for c in clean if unicodedata.category(c) == "Cc" and c not in "\t\n\r"]
    assert not [c for c in clean if unicodedata.category(c) == "Cs"]
    visible = [c for c in text if unicodedata.category(c)[0] in "LMNPS"]
    assert [c for c in clean if unicodedata.category(c)[0] in "LMNPS"] == visible


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("\ufeffa\u200bb\u2060c\xadd", "abcd"),
        ("a\x0bb\x85c\x07d", "a b cd"),
        ("a\tb\r\nc", "a\tb\r\nc"),
        ("👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 a\u200db", "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 ab"),
        ("half \ud83d!", "half !"),
    ],
)
def test_control(text: str, clean: str) -> None:
    assert clean_text(text, ["control"]) == clean


@given(ANY_TEXT)
def test_fullwidth_is_nfkc_on_its_range_and_nothing_else(text: str) -> None:
    expected = [unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" or c == "\u3000" else c for c in text]
    assert clean_text(text, ["fullwidth"]) == "".join(expected)


def test_fullwidth() -> None:
    assert clean_text("ＡＢＣ１２３，好！\u3000①ﬁ㎏ｱ。", ["fullwidth"]) == "ABC123,好! ①ﬁ㎏ｱ。"


@given(ANY_TEXT)
def test_whitespace_leaves_single_spaces_only(text: str) -> None:
    clean = clean_text(text, ["whitespace"])
    assert clean == clean.strip()
    assert not [c for c in clean if c.isspace() and c != " "]
    assert "  " not in clean
    assert "".join(clean.split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("The movie is not a classic", "movie not classic"),
        ("It was THE best of them.", "best ."),
        ("don't touch an up-to-date U.S.A. AT&T théa", "don't touch up-to-date U.S.A. AT&T théa"),
        ("toạ ạto a\u0300 la", "toạ ạto a\u0300 la"),
        ("这是the电影a", "这是电影"),
        ("nothing here to see ", "nothing see"),
        ("no change  here-after ", "no change  here-after "),
    ],
)
def test_english_stop_words(text: str, clean: str) -> None:
    assert clean_text(text, ["stopwords-en"]) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("这个酒吧的服务是不错的，但是我的目的是吃饭", "酒吧服务不错，但是目的吃饭"),
        ("我们因为天气和平地没有去", "天气和平地没有去"),
        ("不好，没味道，别买", "不好，没味道，别买"),
        ("the 的", "the "),
    ],
)
def test_chinese_stop_words(text: str, clean: str) -> None:
    assert clean_text(text, ["stopwords-zh"]) == clean


@given(ANY_TEXT, st.lists(st.sampled_from(get_args(CleanStep))))
def test_no_text_makes_a_step_fail(text: str, steps: list[CleanStep]) -> None:
    assert len(clean_text(text, steps)) <= len(text)


@pytest.mark.parametrize(
    "piece", ["<", "</", "<a ", "<a x='", "<!--", "<!doctype ", " x=1", " y='<a z=\"'", "&amp", "&#", " "]
)
@pytest.mark.parametrize("before", ["", "<a", "<!--", "-->"])
def test_markup_takes_time_in_proportion_to_the_text(before: str, piece: str) -> None:
    """A hundred thousand characters in a moment; where each tag looked through the rest, it would be minutes."""
    text = before + piece * (100_000 // len(piece))
    begun = time.process_time()
    clean_text(text, ["markup"])
    assert time.process_time() - begun < 5
