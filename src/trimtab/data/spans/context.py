"""A context cut into tokens, so fine that an answer hardly ever begins or ends within one. Knows nothing about records.

Places are characters counted from 0, an end the one behind the last. W tokens.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import regex

from trimtab.data.text.word_parts import LETTERS, MARKS, UNSPACED

# Letters that are tokens by themselves: of scripts without spaces, and Hangul, whose particles no space sets apart.
_ALONE = rf"{UNSPACED}\p{{Katakana}}\p{{Hangul}}"
# Most characters of a token, and most marks on one: a text of letters alone still has tokens that fit into a row.
_MOST, _MARKS = 40, 12
_MARKED = rf"[{MARKS}]{{0,{_MARKS}}}+"
_TOKEN = regex.compile(
    rf"(?:[[{LETTERS}_]--[{_ALONE}{MARKS}]]{_MARKED}){{1,{_MOST}}}+|[^\s\x1c-\x1f]{_MARKED}", regex.V1
)
_WITHIN = regex.compile(rf"[[{LETTERS}_{MARKS}]--[{_ALONE}]]{{2}}", regex.V1)

Place = tuple[int, int]


def cut_context(text: str) -> list[Place]:
    """Where the tokens of a context begin and end [W]: each word, each mark, each character of a script without spaces.

    A character and the marks on it stay together; white space is left out. Unlike what tags are given to, words end at
    hyphens and apostrophes, and so at all that BERT's tokenizers cut at.
    """
    return [found.span() for found in _TOKEN.finditer(text)]


def leads(text: str, places: Sequence[Place]) -> list[str]:
    """What stands before each token: nothing, a space, or a new line for white space that has one."""
    before, out = 0, []
    for start, end in places:
        gap = text[before:start]
        out.append("" if not gap or before == 0 else "\n" if "\n" in gap else " ")
        before = end
    return out


def tokens_of(place: Place, places: Sequence[Place]) -> Place | None:
    """The first token of a stretch of characters, and the one behind its last; None where it has none.

    A token that is in it only partly belongs to it.
    """
    first = bisect_right(places, place[0], key=lambda own: own[1])
    behind = bisect_left(places, place[1], key=lambda own: own[0])
    return (first, behind) if first < behind else None


def within_word(text: str, at: int) -> bool:
    """Whether a character stands in the same word as the one before it."""
    return 0 < at < len(text) and _WITHIN.fullmatch(text, at - 1, at + 1) is not None
