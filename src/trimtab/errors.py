"""The one error type a user sees. Knows nothing about what went wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TrimtabError(Exception):
    """Something the user can mend: what was found, what was expected, what to do.

    Args:
        message: where it happened, what was found and what was expected, in one sentence.
        hint: what to do about it, or "" where the message already says so.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean 'x'?` for the nearest of `known`, or "" where none is near."""
    by_fold = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), list(by_fold), n=1, cutoff=0.6)
    return f"Did you mean '{by_fold[near[0]]}'?" if near else ""
