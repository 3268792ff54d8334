"""All that is printed: what comes from outside is shown as text, and is neither markup nor an order to the terminal.

Knows nothing about what is said. Names, paths, labels and rows may hold `[/red]` or escape sequences. rich is imported
when a table is asked for.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from trimtab.errors import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# What JSON leaves as it is, of control characters and halves of surrogate pairs, which no output takes.
_LEFT_BY_JSON = re.compile("[\x7f-\x9f\ud800-\udfff]")


def say(text: str = "", *, error: bool = False, bold: bool = False, end: str = "\n") -> None:
    """Print lines on standard output or standard error; what would steer the terminal is written out: `\\x1b`."""
    text = shown(text)
    click.echo((click.style(text, bold=True) if bold else text) + end, nl=False, err=error)


def say_data(text: str, *, end: str = "\n") -> None:
    """Print what another program may read: as it is, but for halves of surrogate pairs; on a terminal as `say` does."""
    if sys.stdout is not None and sys.stdout.isatty():
        say(text, end=end)
    else:
        click.echo(text.encode("utf-8", "replace").decode("utf-8") + end, nl=False, color=True)


def say_json(value: object, *, error: bool = False, indent: int | None = None) -> None:
    """Print a value as JSON, which holds every character, but none that would steer a terminal as it is."""
    written = json.dumps(value, ensure_ascii=False, indent=indent)
    click.echo(_LEFT_BY_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", written), err=error)


def asked(question: str, choices: Sequence[str]) -> str:
    """One of several answers, from the terminal."""
    return str(click.prompt(shown(question), type=click.Choice([shown(choice) for choice in choices]), err=True))


def shown(text: str) -> str:
    """A text of several lines as any terminal takes it (see `trimtab.errors.visible`)."""
    return visible(text, but="\n\t")


def bold(text: str) -> Text:
    """A cell of a table in bold."""
    from rich.text import Text

    return Text(shown(text), style="bold")


def console(*, error: bool = False, width: int | None = None) -> Console:
    """What draws tables and bars; strings on it are text, whatever they hold.

    Args:
        error: whether on standard error.
        width: characters in a line where it is no terminal; 80 by default, or what `COLUMNS` says.
    """
    from rich.console import Console

    class Plain(Console):
        def render_str(self, text: str, **how: Any) -> Text:
            return super().render_str(shown(text), **{**how, "markup": False, "emoji": False, "highlight": False})

    made = Plain(stderr=error)
    return made if width is None or made.is_terminal else Plain(stderr=error, width=width)
