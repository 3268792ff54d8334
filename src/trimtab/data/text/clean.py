"""Cleaning steps on one text, each by itself and off by default. Knows nothing about where texts come from."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from trimtab.data.text.stopwords import CHINESE, CHINESE_KEPT, ENGLISH
from trimtab.settings.task import CleanStep


def clean_text(text: str, steps: Sequence[CleanStep]) -> str:
    """Return `text` after `steps`, carried out in their order."""
    for step in steps:
        match step:
            case "markup":
                text = strip_markup(text)
            case "control":
                text = strip_control(text)
            case "fullwidth":
                text = narrow_fullwidth(text)
            case "whitespace":
                text = collapse_whitespace(text)
            case "stopwords-en":
                text = drop_english_stopwords(text)
            case "stopwords-zh":
                text = drop_chinese_stopwords(text)
    return text


_INLINE = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark q s samp small span strike strong sub "
    "sup time tt u var wbr"
)
_BLOCK = (
    "address applet area article aside audio base blockquote body br button canvas caption center col colgroup dd "
    "details dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head "
    "header hr html iframe img input label legend li link main map menu meta nav noscript object ol optgroup option p "
    "param picture pre progress script section select source style summary svg table tbody td template textarea tfoot "
    "th thead title tr track ul video"
)
_ATTRIBUTE = r"""\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+)"""
_TAG = re.compile(
    rf"</?({'|'.join(f'{_INLINE} {_BLOCK}'.split())})(?:{_ATTRIBUTE})*\s*/?>|<!--|<!doctype[^<>]*>", re.IGNORECASE
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_INLINE_NAMES = frozenset(_INLINE.split())


# Not html.parser or nh3: to them `<user>` and the `<b and c>` of `x <b and c> d` are tags, and go.
def strip_markup(text: str) -> str:
    """Remove HTML tags and comments, then decode entities.

    Only names of HTML elements count as tags, and only `name=value` as attributes, so `a < b`, `x <b and c> d` and
    `<user>` stay. Tags that set off a block (`<br />`, `</p>`) become a space, tags within a line nothing. Entities
    count with their semicolon only, so `?a=1&copy=2` stays; `&nbsp;` becomes a plain space.
    """
    kept, begun, at = [], 0, 0
    last = text.rfind("-->")
    while found := _TAG.search(text, at):
        at = found.end()
        if found[0] == "<!--":
            if at > last:  # it never ends, and stays
                continue
            at = text.index("-->", at) + len("-->")
        kept.append(text[begun : found.start()] + ("" if (found[1] or "").lower() in _INLINE_NAMES else " "))
        begun = at
    text = "".join(kept) + text[begun:]
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]).replace("\xa0", " "), text)


_CONTROL_SPACE = re.compile("[\x0b\x0c\x1c-\x1f\x85]")
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # C0 and C1 other than white space
    "\xad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"  # zero width, direction, BOM
    "\ud800-\udfff]"  # half of a surrogate pair
    "|(?<![\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d"  # a joiner that joins no emoji
)


def strip_control(text: str) -> str:
    """Remove C0 and C1 controls, zero-width and direction characters, byte order marks and lone surrogates.

    Tab, newline and carriage return stay; the other control characters that count as white space become a space.
    Zero-width joiners stay inside emoji.
    """
    return _CONTROL.sub("", _CONTROL_SPACE.sub(" ", text))


_NARROW = {0x3000: 0x20} | {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def narrow_fullwidth(text: str) -> str:
    """Turn full-width forms (U+FF01 to U+FF5E) and the ideographic space into ASCII, and nothing else.

    This is NFKC restricted to those characters; note that it makes `，` a `,` too.
    """
    return text.translate(_NARROW)


def collapse_whitespace(text: str) -> str:
    """Turn every run of white space (Unicode's, line ends included) into one space and trim both ends."""
    return " ".join(text.split())


_PART_OF_WORD = r"0-9A-Za-z_&\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff'’\-"
_ENGLISH = re.compile(
    rf"(?<![{_PART_OF_WORD}])(?<!\w\.)(?:{'|'.join(sorted(ENGLISH))})(?![{_PART_OF_WORD}])(?!\.\w) ?", re.IGNORECASE
)


def drop_english_stopwords(text: str) -> str:
    """Remove the words of `stopwords.ENGLISH`, each with the space after it; case does not matter.

    Parts of longer words stay (`don't`, `up-to-date`, `U.S.A.`); Chinese characters end a word.
    """
    short = _ENGLISH.sub("", text)
    return short if short == text else short.rstrip(" ")


_CHINESE = re.compile("|".join(sorted(CHINESE | CHINESE_KEPT, key=lambda word: (-len(word), word))))


def drop_chinese_stopwords(text: str) -> str:
    """Remove the words of `stopwords.CHINESE`, from left to right, the longest match first.

    No segmenter is at work: a word of `stopwords.CHINESE_KEPT` that matches first is kept whole (目的, 和平), any
    other use of a listed character is removed.
    """
    return _CHINESE.sub(lambda word: "" if word[0] in CHINESE else word[0], text)
