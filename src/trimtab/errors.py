"""What is raised for a user to mend: one type and its subtypes. Knows nothing about what went wrong."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable
from importlib.util import find_spec

# Control characters, what turns the direction of writing, line and paragraph ends, halves of surrogate pairs.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


# Characters of a message; the middle of a longer one, which quotes something that nobody would read, is left out.
_LONGEST = 3000


class TrimtabError(Exception):
    """Something the user can mend: what was found, what was expected, what to do.

    The subclasses say what it is about. What is about none of theirs, such as a full disk, is of this type itself.

    Args:
        message: where it happened, what was found and what was expected, in one sentence.
        hint: what to do about it, or "" where the message already says so.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = _paragraph(message)
        self.hint = _paragraph(hint)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


def visible(text: str, *, but: str = "") -> str:
    """Return a text from outside as any output takes it: what would steer a terminal is written out, as `\\x1b`.

    Args:
        text: it may hold escape sequences, turn the direction of writing, or be no valid Unicode.
        but: characters that are kept as they are: line ends, say.
    """
    return _UNWRITABLE.sub(lambda found: found[0] if found[0] in but else repr(found[0])[1:-1], text)


def _paragraph(text: str) -> str:
    """`text` as one paragraph; what it quotes may hold line ends and escape sequences, and be long."""
    text = visible(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 4 :]}"


class TaskError(TrimtabError):
    """Something is wrong with a task file or a setting, or settings do not go together."""


class DataError(TrimtabError):
    """Something is wrong with examples: a file, a column or a row."""


class RunError(TrimtabError):
    """Something is wrong with a run folder or its files, or the run cannot do what is asked."""


class BackboneError(TrimtabError):
    """Something is wrong with a backbone, its files or its name, or it cannot do what is asked."""


class UnservedError(BackboneError):
    """A backbone is of a type that Trimtab does not serve, or would not compute what its own code does."""


class MissingExtraError(TrimtabError):
    """A library that comes with one of Trimtab's extras is needed, and not installed."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `Did you mean 'x'?` for the nearest of `known`, or "" where none is near."""
    by_fold = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), list(by_fold), n=1, cutoff=0.6)
    return f"Did you mean '{by_fold[near[0]]}'?" if near else ""


def is_installed(module: str) -> bool:
    """Whether a library can be imported. It is not: that takes seconds."""
    return (sys.modules[module] if module in sys.modules else find_spec(module)) is not None


def need_library(module: str, what: str, *, title: str, extra: str) -> None:
    """Raise MissingExtraError where a library that comes only with one of Trimtab's extras is not installed.

    Args:
        module: the library's name in Python.
        what: what needs it, `method 'lora'` say.
        title: its name in a sentence.
        extra: the extra that it comes with.
    """
    if not is_installed(module):
        raise MissingExtraError(
            f"{what} needs the {title} library, which is not installed.",
            f"Install it with `pip install 'trimtab[{extra}]'`.",
        )
