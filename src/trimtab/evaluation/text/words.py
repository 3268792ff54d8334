"""Texts -> words, of all scripts and mixed. Knows nothing about labels.

Runs of Chinese characters are segmented with jieba, whose dictionary is read (about a second) when the first such run
comes up. Letters of other scripts that put no spaces between words (hiragana, Thai) are words by themselves. Everything
else is cut at what is neither letter, mark, digit nor underscore. All words are composed (NFC) and case-folded.
"""

from __future__ import annotations

import functools
import unicodedata
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import regex

from trimtab.data.example import Example
from trimtab.data.text.word_parts import CJK, KATAKANA, LETTERS, MARKS, UNSPACED, UNSPACED_LETTER, run

Language = Literal["auto", "en", "zh"]

CJK_SHARE = 0.3
_CJK_CHARACTER = regex.compile(f"[{CJK}]")
_UNSPACED_CHARACTER = regex.compile(f"[{UNSPACED}]", regex.V1)
_MARK = regex.compile(f"[{MARKS}]", regex.V1)
_LETTER = regex.compile(r"\p{L}")
_IN_A_WORD = regex.compile(f"[{LETTERS}{MARKS}_]", regex.V1)
_WORD = f"{UNSPACED_LETTER}|{KATAKANA}|" + run(LETTERS + "_", but=rf"{UNSPACED}\p{{WB=Katakana}}")
_UNIT = regex.compile(rf"([{CJK}]++)|({_WORD})|\S", regex.V1)
_ENGLISH_UNIT = regex.compile(rf"({run(LETTERS + '_')})|\S", regex.V1)
_ATOM = regex.compile(rf"{_WORD}|\S", regex.V1)


def joined_fields(example: Example) -> str:
    """Return the fields of an example as one text."""
    return " ".join(example.fields.values())


def cjk_share(texts: Sequence[str]) -> float:
    """Return the share of Chinese characters among the letters of the texts; 0 where there are none."""
    letters = sum(len(_LETTER.findall(text)) for text in texts)
    return sum(len(_CJK_CHARACTER.findall(text)) for text in texts) / letters if letters else 0.0


def are_chinese(texts: Sequence[str], language: Language) -> bool:
    """Say whether the texts count as Chinese: because `language` says so, or, with `auto`, by their characters."""
    return language == "zh" or (language == "auto" and cjk_share(texts) >= CJK_SHARE)


def words(text: str, language: Language = "auto") -> list[str]:
    """Return the words of a text in order. With `en`, Chinese characters are not segmented."""
    return [word for word in words_and_breaks(text, language) if word is not None]


def words_and_breaks(text: str, language: Language = "auto") -> list[str | None]:
    """Return the words of a text in order, with None for every symbol or punctuation mark between them."""
    folded = _folded(text)
    if language == "en":
        return [unit[1] for unit in _ENGLISH_UNIT.finditer(folded)]
    found: list[str | None] = []
    for unit in _UNIT.finditer(folded):
        if unit[1]:
            found += _segmenter().lcut(unit[1])
        else:
            found.append(unit[2])
    return found


def segmented(text: str) -> list[str]:
    """Return the words of a text in which Chinese stands, as jieba cuts it; nothing is folded or left out."""
    found: list[str] = _segmenter().lcut(text)
    return found


def atoms(text: str) -> tuple[str, ...]:
    """Return what keywords are matched by: every Chinese character, whole words of anything else, and every symbol."""
    return tuple(_ATOM.findall(_folded(text)))


def is_one_chinese_character(parts: Sequence[str]) -> bool:
    """Say whether the atoms are one Chinese character alone."""
    return len(parts) == 1 and _CJK_CHARACTER.fullmatch(parts[0]) is not None


def text_of(parts: Sequence[str]) -> str:
    """Return atoms as text, with spaces only between words; its atoms are `parts` again."""
    text = before = ""
    for part in parts:
        one, other = next((c for c in reversed(before) if not _MARK.match(c)), before[-1:]), part[0]
        before = part
        apart = (
            one and _IN_A_WORD.match(one) and _IN_A_WORD.match(other) and not _UNSPACED_CHARACTER.search(one + other)
        )
        text += f" {part}" if apart else part
    return text


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


@functools.cache
def _segmenter() -> Any:
    """Return jieba's tokenizer. Its own way to load would also leave a cache file in the shared temporary folder."""
    with warnings.catch_warnings(action="ignore"):  # of pkg_resources, and of its escape sequences
        import jieba
    jieba.setLogLevel("CRITICAL")
    segmenter = jieba.Tokenizer()
    segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(segmenter.get_dict_file())
    segmenter.initialized = True
    return segmenter
