"""Words, atoms and the share of Chinese, by hand and against jieba."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import unicodedata

import jieba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.evaluation.text.words import are_chinese, atoms, cjk_share, text_of, words, words_and_breaks

REVIEW = "房间很干净，服务态度也非常好，下次还会来入住的！"


def test_english_words_are_runs_of_letters_and_digits() -> None:
    text = "A movie_night in 2024: it's Straße 😀, isn't it?"
    expected = ["a", "movie_night", "in", "2024", "it", "s", "strasse", "isn", "t", "it"]
    assert words(text) == words(text, "en") == words(text, "zh") == expected


def test_chinese_is_segmented_as_jieba_does() -> None:
    assert words(REVIEW) == [word for word in jieba.lcut(REVIEW) if word not in "，！"]
    assert {"房间", "服务态度", "入住"} <= set(words(REVIEW))
    assert words(REVIEW, "en") == ["房间很干净", "服务态度也非常好", "下次还会来入住的"]


def test_mixed_texts() -> None:
    assert words("这个App很好用，5星!") == ["这个", "app", *jieba.lcut("很好用"), "5", "星"]
    assert words_and_breaks("App不错, slow") == ["app", "不错", None, "slow"]
    assert words_and_breaks("App不错, slow", "en") == ["app不错", None, "slow"]
    assert words("") == words("，。 😀") == []


@pytest.mark.parametrize("language", ["auto", "en"])
def test_marks_belong_to_words(language: str) -> None:
    assert words("हिन्दी में!", language) == ["हिन्दी", "में"]
    assert words(unicodedata.normalize("NFD", "Tiếng Việt"), language) == ["tiếng", "việt"]
    assert words_and_breaks("x\u0327y - ok", language) == ["x\u0327y", None, "ok"]


def test_letters_of_scripts_without_spaces_are_words() -> None:
    assert words("ที่นี่ดี app") == ["ที่", "นี่", "ดี", "app"]
    assert atoms("ที่นี่ app") == ("ที่", "นี่", "app")
    assert text_of(("ที่", "นี่", "app")) == "ที่นี่app"


def test_a_long_text() -> None:
    assert len(words("服务态度 good " * 10_000)) == 20_000
    assert len(words("服务态度" * 25_000)) == 25_000


def test_atoms_are_characters_words_and_symbols() -> None:
    assert atoms("App很慢 :) C++ 👍🏽") == ("app", "很", "慢", ":", ")", "c", "+", "+", "👍", "🏽")
    assert text_of(("not", "good")) == "not good"
    assert text_of(("app", "很", "慢", "so", "slow", "!")) == "app很慢so slow!"
    assert text_of(("1\u0e49", "1")) == "1\u0e49 1"  # a Thai mark is no letter that needs no space


@settings(deadline=None)
@given(st.text(st.sampled_from("ab1_ 好吃，!😀éिद้ทがカ\u0301"), max_size=12))
def test_the_text_of_atoms_has_these_atoms(text: str) -> None:
    # A symbol takes no mark; but what stands before a mark that is alone would.
    text = re.sub("(^|(?<=[ ，!😀]))[ि้\u0301]+", "", text)
    assert atoms(text_of(atoms(text))) == atoms(text)


def test_share_of_chinese_characters() -> None:
    assert cjk_share(["好吃 ab"]) == 0.5
    assert cjk_share(["123 !?"]) == 0.0


def test_texts_are_chinese_by_share_or_because_it_is_said() -> None:
    mostly_english = ["a very good restaurant 好吃"]
    assert [are_chinese([REVIEW], language) for language in ("auto", "zh", "en")] == [True, True, False]
    assert [are_chinese(mostly_english, language) for language in ("auto", "zh", "en")] == [False, True, False]


def test_jieba_is_loaded_for_chinese_only_and_silently(caplog: pytest.LogCaptureFixture) -> None:
    code = """
import sys
from trimtab.evaluation.baselines.keyword_rules import keyword_rules
from trimtab.evaluation.text.words import words
words("no such thing 😀")
assert not {"jieba", "sklearn", "scipy"} & set(sys.modules)
print(words("服务态度")[0])
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "服务态度\n", "")
    with caplog.at_level(logging.DEBUG):
        words(REVIEW)
    assert caplog.records == []
