"""What words are made of in all scripts, as classes of regular expressions. Knows nothing about what cuts texts.

They are Unicode's (UAX 29, section 4), and are understood by the package `regex` with its flag `V1`: the standard
library's `\\w` holds no combining marks, and so cuts words of Hindi, Thai and decomposed Vietnamese into pieces. Where
Unicode leaves it to a dictionary where words end, each letter with its marks stands alone, as Chinese characters do.
"""

from __future__ import annotations

# Chinese characters.
CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
# What belongs to the character before it: combining marks, joiners, soft hyphens.
MARKS = r"\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}"
# Letters of scripts that put no spaces between words: Chinese, hiragana, Thai, Lao, Khmer, Burmese.
UNSPACED = rf"{CJK}\p{{Ideographic}}\p{{Hiragana}}\p{{LineBreak=SA}}"
LETTERS = r"\p{L}\p{N}"
# One such letter, or a run of katakana, or of letters and digits of any other script, each with its marks. Runs take no
# letter back (they are possessive), so that no text takes time that grows with its square.
UNSPACED_LETTER = rf"[[{UNSPACED}]--[{MARKS}]][{MARKS}]*+"
KATAKANA = rf"(?:\p{{WB=Katakana}}[{MARKS}]*+)++"


def run(letters: str, but: str = "") -> str:
    """Return the pattern of a run of characters of one class that are not of another, each with its marks."""
    return rf"(?:[[{letters}]--[{but}{MARKS}]][{MARKS}]*+)++"
