"""When two examples count as the same text, or belong together. Knows nothing about splits or reports."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from trimtab.data.example import Example


class _Counts(dict[int, str]):
    """What stands for a character, found once for each: a space for punctuation, nothing for control and format."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)[0]
        self[code] = " " if character.isspace() or kind == "P" else "" if kind == "C" else character
        return self[code]


_COUNTS = _Counts()


def text_key(example: Example) -> str:
    """Return the text of fields and options, white space collapsed and case folded; "" where every one is blank."""
    given = [*(text for _, text in sorted(example.fields.items())), *example.beside]
    texts = [" ".join(text.split()).casefold() for text in given]
    return "\x1f".join(texts) if any(texts) else ""


def twin_key(example: Example) -> str:
    """Return what is left of a text where case, width, punctuation and Unicode form do not count.

    Symbols (`+`, an emoji) count, as letters and digits do. A text of punctuation alone is as `text_key` has it.
    """
    given = [*(text for _, text in sorted(example.fields.items())), *example.beside]
    bare = [" ".join(unicodedata.normalize("NFKC", text).casefold().translate(_COUNTS).split()) for text in given]
    return "\x1f".join(bare) if any(bare) else text_key(example)


def group_by_text(examples: Sequence[Example]) -> dict[str, list[int]]:
    """Return text key -> positions in `examples`, both in order of first appearance."""
    groups: dict[str, list[int]] = defaultdict(list)
    for position, example in enumerate(examples):
        groups[text_key(example)].append(position)
    return dict(groups)


def kin(examples: Sequence[Example]) -> list[list[int]]:
    """Return the positions of examples that belong together: twins and those of the same group, and those of theirs.

    Each list rises; the lists stand in the order of their least text keys.
    """
    leaders = list(range(len(examples)))

    def leader(row: int) -> int:
        while leaders[row] != row:
            leaders[row] = row = leaders[leaders[row]]
        return row

    first: dict[tuple[str, str], int] = {}
    for row, example in enumerate(examples):
        for key in (("text", twin_key(example)), *([("group", example.group)] if example.group else [])):
            leaders[leader(row)] = leader(first.setdefault(key, row))
    groups: dict[int, list[int]] = defaultdict(list)
    for row in range(len(examples)):
        groups[leader(row)].append(row)
    return sorted(groups.values(), key=lambda group: min(text_key(examples[row]) for row in group))
