"""Texts -> words, English, Chinese and mixed. Knows nothing about labels.

Runs of Chinese characters are segmented with jieba, whose dictionary is read (about a second) when the first such run
comes up. Everything else is cut at what is neither letter, digit nor underscore. All words are case-folded.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Sequence
from typing import Any, Literal

from trimtab.data.example import Example

Language = Literal["auto", "en", "zh"]

CJK_SHARE = 0.3
CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_CJK_CHARACTER = re.compile(f"[{CJK}]")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"\w+")
_UNIT = re.compile(rf"([{CJK}]+)|([^\W{CJK}]+)|\S")
_ATOM = re.compile(rf"[{CJK}]|[^\W{CJK}]+|\S")


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
    folded = text.casefold()
    if language == "en":
        return [unit if _WORD.fullmatch(unit) else None for unit in re.findall(r"\w+|\S", folded)]
    found: list[str | None] = []
    for unit in _UNIT.finditer(folded):
        if unit[1]:
            found += _segmenter().lcut(unit[1])
        else:
            found.append(unit[2])
    return found


def atoms(text: str) -> tuple[str, ...]:
    """Return what keywords are matched by: every Chinese character, whole words of anything else, and every symbol."""
    return tuple(_ATOM.findall(text.casefold()))


def is_one_chinese_character(parts: Sequence[str]) -> bool:
    """Say whether the atoms are one Chinese character alone."""
    return len(parts) == 1 and _CJK_CHARACTER.fullmatch(parts[0]) is not None


def text_of(parts: Sequence[str]) -> str:
    """Return atoms as text, with spaces only between words; its atoms are `parts` again."""
    text = ""
    for part in parts:
        apart = text and _WORD.fullmatch(text[-1] + part[0]) and not _CJK_CHARACTER.search(text[-1] + part[0])
        text += f" {part}" if apart else part
    return text


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
