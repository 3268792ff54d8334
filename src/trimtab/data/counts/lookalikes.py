"""Names of classes that look like one name written in two ways. Knows nothing about rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from itertools import combinations

from rapidfuzz.distance import OSA

# Pairs that a message names.
SHOWN = 3
# Names that are compared letter by letter: pairs grow with their square.
MOST_NAMES = 400
# A name with a letter wrong, missing, too many or exchanged is taken for a slip if it is at least this long, ...
SHORTEST = 5
# ... and the other one has occurs at least this many times as often.
RARER = 5

_FORMAT = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


def lookalikes(counts: Mapping[str, int], plural: str) -> list[str]:
    """A warning where names differ in case, white space, punctuation or Unicode form, or by a slip of the pen.

    Args:
        counts: name -> how often it occurs.
        plural: what the names are called.
    """
    pairs = [(one, two) if counts[one] >= counts[two] else (two, one) for one, two in _pairs(counts)]
    if not pairs:
        return []
    named = [f"{_counted(one, counts)} and {_counted(two, counts)}" for one, two in pairs[:SHOWN]]
    more = f" and {len(pairs) - SHOWN} more pairs" if len(pairs) > SHOWN + 1 else ""
    more = " and 1 more pair" if len(pairs) == SHOWN + 1 else more
    return [f"{plural} that look alike: {', '.join(named)}{more}. If two are one, write them alike."]


def _counted(name: str, counts: Mapping[str, int]) -> str:
    return f"{name!r} ({counts[name]})"


def _pairs(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Pairs of names that look alike, in the order of the names."""
    names = sorted(counts)
    keys = {name: _key(name) for name in names}
    if len(names) > MOST_NAMES:
        first: dict[str, str] = {}
        return [(first[keys[name]], name) for name in names if first.setdefault(keys[name], name) != name]
    return [
        (one, two) for one, two in combinations(names, 2) if keys[one] == keys[two] or _slip(one, two, keys, counts)
    ]


def _key(name: str) -> str:
    """The name without what is easily written otherwise; itself where nothing else is in it (`+` and `-`)."""
    shown = _FORMAT.sub("", unicodedata.normalize("NFKC", name)).casefold()
    return "".join(letter for letter in shown if unicodedata.category(letter)[0] in "LNM") or shown


def _slip(one: str, two: str, keys: Mapping[str, str], counts: Mapping[str, int]) -> bool:
    """Whether the rarer of two long names is the other with one slip, and not with another number or single letter."""
    fewer, more = sorted((counts[one], counts[two]))
    if more < RARER * fewer or min(len(keys[one]), len(keys[two])) < SHORTEST:
        return False
    if OSA.distance(keys[one], keys[two], score_cutoff=1) > 1:
        return False
    return _told_apart_by(one) == _told_apart_by(two)


def _told_apart_by(name: str) -> list[str]:
    """Numbers and single letters of a name, which tell `class a, level 1` from others of its series."""
    return [*re.findall(r"\d+", name), *(part for part in re.split(r"[\s_./,:-]+", name.casefold()) if len(part) == 1)]
