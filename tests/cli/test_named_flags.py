"""Every verb and flag that a text of the package names is there, and is one of the verb that it is named with."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import trimtab
from trimtab.cli.main import trimtab as program

SOURCE = Path(trimtab.__file__).parent
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*+(?!:\{)")  # no property of CSS
VERB = re.compile(r"\btrimtab ([a-z]+)")


def flags(verb: click.Command) -> set[str]:
    """The flags of a verb, those of its own verbs among them."""
    own = {option for given in verb.params for option in (*given.opts, *given.secondary_opts)} | {"--help"}
    return own.union(*map(flags, verb.commands.values())) if isinstance(verb, click.Group) else own


FLAGS = {name: flags(verb) for name, verb in program.commands.items()}
EVERY = set().union(*FLAGS.values())
# Jobs that stand in modules of other names.
FLAGS_OF_JOBS = FLAGS | {
    "compare_runs": FLAGS["evaluate"],
    "exchange": FLAGS["export"] | FLAGS["import"],
    "pretrain": FLAGS["pretrain"] | FLAGS["perplexity"] | FLAGS["generate"],
}
# What is handed to pip.
NOT_OURS = {"sources/packages.py"}


def texts(path: Path) -> Iterator[str]:
    """String literals of a module, adjacent ones and what f-strings fill in as one; any other file as a whole."""
    content = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield content
        return
    tree = ast.parse(content)
    within = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in within:
            yield node.value


def unknown(text: str, here: set[str]) -> Iterator[str]:
    """Verbs and flags of a text that are not there; `here` are the flags of where no verb is named."""
    for sentence in re.split(r"(?<=[.;?`])\s", text):
        verbs = VERB.findall(sentence)
        yield from (f"trimtab {verb}" for verb in verbs if verb not in FLAGS)
        known = set().union(*(FLAGS.get(verb, set()) for verb in verbs)) if verbs else here
        yield from (flag for flag in FLAG.findall(sentence) if flag not in known | {"--version", "--help"})


FILES = [
    path
    for path in sorted(SOURCE.rglob("*"))
    if path.suffix in (".py", ".j2", ".yaml") and str(path.relative_to(SOURCE)) not in NOT_OURS
]


@pytest.mark.parametrize("room", sorted({str(path.relative_to(SOURCE).parent) for path in FILES}))
def test_what_texts_name_is_there(room: str) -> None:
    found = []
    for path in FILES:
        if str(path.relative_to(SOURCE).parent) == room:
            here = FLAGS_OF_JOBS[path.stem] if room == "jobs" and path.stem != "__init__" else EVERY
            found += [f"{path.name}: {name} in {text!r}" for text in texts(path) for name in unknown(text, here)]
    assert not found, "\n".join(found)


def test_what_is_not_there_is_found() -> None:
    assert list(unknown("Give --out. Or `trimtab tune --resume`, --outt.", EVERY)) == ["--outt"]
    assert list(unknown("See `trimtab modles`, or `trimtab data --budget x`.", EVERY)) == ["trimtab modles", "--budget"]
    assert list(unknown("Leave --price out.", FLAGS["tune"])) == ["--price"]
