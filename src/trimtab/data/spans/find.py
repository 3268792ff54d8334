"""An answer found in its context: where it is said to begin, or where it stands. Knows nothing about records."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from trimtab.data.spans.context import Place, cut_context, within_word

# Between tokens that are compared; no token holds it.
_BREAK = "\x1f"


@dataclass(frozen=True)
class FoundAnswer:
    """Where an answer stands.

    Attributes:
        place: its first character, and the one behind its last.
        how: `said` where it was said to stand there, or was only looked for; `moved` where it was said to stand
            elsewhere; `alike` where case, width, marks or white space differ.
    """

    place: Place
    how: Literal["said", "moved", "alike"]


def find_answer(context: str, text: str, start: int | None) -> FoundAnswer | None:
    """Where an answer stands in a context, white space around it left out; None where it does not.

    Args:
        context: the context.
        text: the answer, not blank.
        start: where it is said to begin. Where it stands elsewhere, the nearest place is taken; without it the first
            one at which no word is cut, else the first one. Where it stands nowhere, a run of tokens that are the same
            but for case, width (NFKC) and marks is taken.
    """
    bare = text.strip()
    if start is not None:
        own = start + len(text) - len(text.lstrip())
        if start >= 0 and context.startswith(bare, own):
            return FoundAnswer((own, own + len(bare)), "said")
    places = list(_places(context, bare))
    if places and start is not None:
        nearest = min(places, key=lambda at: (abs(at - start), at))
        return FoundAnswer((nearest, nearest + len(bare)), "moved")
    if places:
        whole = (at for at in places if not within_word(context, at) and not within_word(context, at + len(bare)))
        first = next(whole, places[0])
        return FoundAnswer((first, first + len(bare)), "said")
    alike = _alike(context, bare)
    return FoundAnswer(alike, "alike") if alike else None


def _places(context: str, text: str) -> Iterator[int]:
    at = context.find(text)
    while at >= 0:
        yield at
        at = context.find(text, at + 1)


def _alike(context: str, text: str) -> Place | None:
    """The first run of tokens that is the answer's, as they are compared."""
    asked = [token for token, _ in _compared(text)]
    if not asked:
        return None
    tokens = _compared(context)
    joined = _BREAK + _BREAK.join(token for token, _ in tokens) + _BREAK
    at = joined.find(_BREAK + _BREAK.join(asked) + _BREAK)
    if at < 0:
        return None
    first = joined.count(_BREAK, 0, at)
    return tokens[first][1][0], tokens[first + len(asked) - 1][1][1]


def _compared(text: str) -> list[tuple[str, Place]]:
    """Tokens with a letter or digit, as they are compared, and their places."""
    made = (
        (unicodedata.normalize("NFKC", text[start:end]).casefold(), (start, end)) for start, end in cut_context(text)
    )
    return [(token, place) for token, place in made if any(map(str.isalnum, token)) and _BREAK not in token]
