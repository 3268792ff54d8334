"""Tokens to a text, and a text to tokens. Knows nothing about tags or tokenizers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import regex

from trimtab.data.text.word_parts import LETTERS, MARKS, run

# Chinese characters, kana, and the marks and full-width forms that stand among them without a space.
_CJK = "\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003134f"
_IS_CJK = regex.compile(f"[{_CJK}“”‘’…—·]")
_WORD = run(LETTERS + "_", but=_CJK)
_TOKEN = regex.compile(
    rf"[[{_CJK}]--\s][{MARKS}]*+|{_WORD}(?:['’-]{_WORD}|(?<=\d)[.,:](?=\d){_WORD})*+|[^\s\x1c-\x1f][{MARKS}]*+",
    regex.V1,
)


def leads(tokens: Sequence[str], join: Literal["auto", "space", "none"]) -> list[str]:
    """What stands before each token: nothing before the first, then a space or nothing (see `answer.join`)."""
    if join != "auto":
        return ["", *[" " if join == "space" else ""] * (len(tokens) - 1)][: len(tokens)]
    between = ["" if _cjk(a[-1:]) and _cjk(b[:1]) else " " for a, b in pairwise(tokens)]
    return ["", *between][: len(tokens)]


def joined(tokens: Sequence[str], join: Literal["auto", "space", "none"]) -> str:
    """The tokens as one text."""
    return "".join(lead + token for lead, token in zip(leads(tokens, join), tokens, strict=True))


def cut(text: str) -> list[tuple[int, int]]:
    """Where the tokens of a text begin and end: each Chinese character, each word, each mark.

    White space is left out. Hyphens and apostrophes within a word and the points of a number belong to it.
    """
    return [found.span() for found in _TOKEN.finditer(text)]


def _cjk(character: str) -> bool:
    return _IS_CJK.fullmatch(character) is not None
