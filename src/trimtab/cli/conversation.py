"""`trimtab chat` at a terminal or behind a pipe: lines in, answers out as they are said. Knows nothing about models."""

from __future__ import annotations

import sys
from contextlib import closing
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.cli.terminal import say, say_data
from trimtab.errors import TrimtabError, did_you_mean

if TYPE_CHECKING:
    from trimtab.jobs.chat import Talk

PROMPT = "> "
COMMANDS = {
    "/reset": "forget what was said",
    "/save FILE": "append what was said to FILE, as records to tune on",
    "/runs": "list the runs; * marks those that answer",
    "/use NAME": "let one run answer, or `all`",
    "/help": "show this",
    "/quit": "leave, as Ctrl-D does",
}


class Conversation:
    """A person, or a pipe, and what they talk to.

    Args:
        talk: the runs.
    """

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._terminal = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()

    def run(self) -> None:
        """Read lines until they end or one says `/quit`; a line is a message, or a command where it begins with `/`."""
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        if self._terminal:
            _edit_lines()
            self._note(f"Talking to {', '.join(self._talk.chosen)}. /help lists commands; Ctrl-D leaves.")
        for notice in dict.fromkeys(speaker.bound.task.notice for speaker in self._talk.speakers.values()):
            if notice:
                self._note(f"Note: {notice}")
        while (line := self._read()) is not None:
            try:
                if not self._obey(line.strip()):
                    return
            except TrimtabError as error:
                self._note(str(error))
            except KeyboardInterrupt:  # which stops an answer, and not the program
                if not self._terminal:
                    raise
                say()
                self._note("Stopped.")

    def _read(self) -> str | None:
        """The next line; None where there are no more."""
        while True:
            try:
                if self._terminal:
                    return input(PROMPT)
                return (sys.stdin.readline() or None) if sys.stdin is not None else None
            except EOFError:
                say()
                return None
            except KeyboardInterrupt:
                if not self._terminal:
                    raise
                say()
                self._note("Ctrl-D or /quit leaves.")

    def _obey(self, line: str) -> bool:
        """Do what a line says; whether to go on."""
        if not line.startswith("/") or line.startswith("//"):
            if line:
                self._ask(line.removeprefix("/"))
            return True
        command, _, rest = line.partition(" ")
        rest = rest.strip()
        match command, rest:
            case "/quit", "":
                return False
            case "/help", "":
                for name, what in COMMANDS.items():
                    say(f"{name:12} {what}")
                say("A message that begins with / is written with two of them.")
            case "/runs", "":
                for name, speaker in self._talk.speakers.items():
                    mark = "*" if name in self._talk.chosen else " "
                    say(f"{mark} {name} ({len(speaker.messages)} messages)")
            case "/reset", "":
                self._talk.reset()
                self._note("Forgotten.")
            case "/use", name if name:
                self._talk.use(name)
                self._note(f"Talking to {', '.join(self._talk.chosen)}.")
            case "/save", name if name:
                saved = self._talk.save(Path(name))
                self._note(f"{name}: {saved} dialogue{'' if saved == 1 else 's'} appended.")
            case _:
                raise _no_command(command, rest)
        return True

    def _ask(self, text: str) -> None:
        """Say a message to those who are talked to, one after another, and show what each says as it says it."""
        for name in self._talk.chosen:
            more, pieces = self._talk.ask(name, text)
            if more:
                self._note(f"{name}: the context is full; {more} more of the first messages are no longer read.")
            if len(self._talk.speakers) > 1:
                say(f"{name}: ", end="")
            said = False
            with closing(pieces):
                for piece in pieces:
                    say_data(piece, end="")
                    said = said or bool(piece.strip())
            say()
            if not said:
                self._note("No answer; the message is forgotten.")

    def _note(self, text: str) -> None:
        """Something that is no answer: on standard error, so that a pipe holds answers only."""
        say(text, error=True)


def _no_command(command: str, rest: str) -> TrimtabError:
    """What to say of a command that is none, or lacks something or has too much."""
    usage = {name.split()[0]: name for name in COMMANDS}
    if command in usage:
        wrong = "says nothing more" if rest else "lacks something"
        return TrimtabError(f"{command} {wrong}.", f"Write it as {usage[command]}.")
    return TrimtabError(f"no command {command}.", did_you_mean(command, usage) or "/help lists them.")


def _edit_lines() -> None:
    """Let lines be edited and called back, where the machine can."""
    try:
        import readline  # noqa: F401  # input() uses it once it is there
    except ImportError:
        return
