"""Write the generated parts of docs/: settings as they are declared, help texts as verbs have them. Knows no prose.

A generated part stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. `--check` changes nothing and fails where
a page is not up to date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from picture import picture
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from trimtab.backbones.door.unserved import UNSERVED
from trimtab.cli.main import trimtab
from trimtab.settings.corpus import MODELS, Corpus
from trimtab.settings.file import TAGGED
from trimtab.settings.task import Task

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from families import COMPARED, OWN_CODE, REFUSED, SERVED

DOCS = Path(__file__).parent
WIDTH = 100
PLAIN = {Any: "anything", str: "text", int: "whole number", float: "number", bool: "true or false", NoneType: "null"}
BOUNDS = {
    "ge": "at least {}",
    "gt": "more than {}",
    "le": "at most {}",
    "lt": "less than {}",
    "min_length": "not empty",
}


def settings() -> str:
    """Every setting of a task file: one table for the top level, one a group."""
    return _settings(Task, {name: kinds for name, (_, _, kinds) in TAGGED.items()})


def corpus_settings() -> str:
    """Every setting of a corpus file, likewise."""
    return _settings(Corpus, {"model": MODELS})


def _settings(file: type[BaseModel], tagged: Mapping[str, Mapping[str, type[BaseModel]]]) -> str:
    own = {name: field for name, field in file.model_fields.items() if not _group(field) and name not in tagged}
    groups = {
        name: group for name, field in file.model_fields.items() if name not in tagged and (group := _group(field))
    }
    parts = ["### Top level", _table("", own)]
    for name, group in groups.items():
        parts += [f"### {name}", _prose(group), _table(f"{name}.", group.model_fields)]
    for name, kinds in tagged.items():
        parts += [f"### {name}", str(file.model_fields[name].description)]
        for tag, kind in kinds.items():
            parts += [f"#### {tag}", _prose(kind), _table(f"{name}.", kind.model_fields)]
    return "\n\n".join(parts)


def _prose(group: type[BaseModel]) -> str:
    return " ".join(str(group.__doc__).split())


def _group(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _table(prefix: str, fields: dict[str, FieldInfo]) -> str:
    rows = ["| setting | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in fields.items():
        kind = ", ".join([type_text(field.annotation), *_bounds(field)])
        default = "must be given" if field.is_required() else _literal(field.get_default(call_default_factory=True))
        cells = (f"`{prefix}{name}`", kind, default, str(field.description))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def type_text(kind: object) -> str:
    """A type in words: `int | None` -> `whole number or null`."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        bounds = " and ".join(_bounds(inner[1])) if isinstance(inner[1], FieldInfo) else ""  # else what checks it
        return f"{type_text(inner[0])} {bounds}".rstrip()
    if origin in (Union, UnionType):
        return " or ".join(type_text(part) for part in inner)
    if origin is Literal:
        return "one of " + ", ".join(f"`{word}`" for word in inner)
    if origin is list:
        return f"list of {type_text(inner[0]).removeprefix('one of ')}"
    if origin is dict:
        return f"mapping of {type_text(inner[0])} to {type_text(inner[1])}"
    return PLAIN[kind]  # type: ignore[index]


def _bounds(field: FieldInfo) -> list[str]:
    return [
        words.format(getattr(bound, name))
        for bound in field.metadata
        for name, words in BOUNDS.items()
        if hasattr(bound, name)
    ]


def _literal(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return "`" + (value.replace("\n", "\\n") or '""') + "`"
        case _:
            return f"`{value}`".replace("'", "")


def help_texts() -> str:
    """`--help` of the command and of each of its verbs."""
    commands = _with_verbs("trimtab", trimtab)
    return "\n\n".join(f"## {name}\n\n```text\n{_help(name, command)}\n```" for name, command in commands.items())


def _with_verbs(name: str, command: click.Command) -> dict[str, click.Command]:
    """A command, and the verbs that it has, by their whole names."""
    verbs = command.commands if isinstance(command, click.Group) else {}
    return {name: command} | {
        key: own for verb, one in verbs.items() for key, own in _with_verbs(f"{name} {verb}", one).items()
    }


def _help(name: str, command: click.Command) -> str:
    context = click.Context(
        command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=["-h", "--help"]
    )
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


def families() -> str:
    """What becomes of each family that the tests prove it of, and the types that are refused by name."""
    rows = ["| family | model type | read as | |", "| --- | --- | --- | --- |"]
    rows += [f"| {one.name} | `{one.model_type}` | {_KINDS[one.kind]} | exact |" for one in SERVED]
    rows += [
        f"| {one.name} | `{one.model_type}` | {_KINDS[one.kind]} | exact, by its own code: {one.own_code} |"
        for one in OWN_CODE
    ]
    rows += [f"| {one.name} | `{one.model_type}` | {_KINDS[one.kind]} | {_refused(one.refused)} |" for one in REFUSED]
    reasons: dict[str, list[str]] = {}
    for model_type, reason in UNSERVED.items():
        reasons.setdefault(reason, []).append(f"`{model_type}`")
    lists = [f"* {reason}: {', '.join(sorted(types))}." for reason, types in reasons.items()]
    return "\n".join([*rows, "", "Refused by their type alone, with the reason that the error gives:", "", *lists])


def _refused(reason: str) -> str:
    return "refused when it is compared" if reason == COMPARED else f"refused: {reason}"


_KINDS = {
    "causal": "causal model", "masked": "encoder", "bare": "encoder", "encoder-decoder": "encoder-decoder",
}  # fmt: skip

PAGES = {
    "models.md": ("families", families),
    "task-file.md": ("settings", settings),
    "cli.md": ("help", help_texts),
    "pretraining.md": ("settings", corpus_settings),
    "design.md": ("picture", picture),
}


def filled(page: str, name: str, content: str) -> str:
    """`page` with the generated part `name` replaced by `content`. Raises ValueError where its marks are missing."""
    marked = re.compile(f"(<!-- begin {name} -->\n).*(<!-- end {name} -->)", re.DOTALL)
    if not marked.search(page):
        raise ValueError(f"no <!-- begin {name} --> ... <!-- end {name} -->")
    return marked.sub(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", page)


def main(arguments: list[str]) -> None:
    """Write the pages, or with `--check` say which are not up to date (exit code 1)."""
    stale = []
    for file, (name, make) in PAGES.items():
        path = DOCS / file
        before = path.read_text(encoding="utf-8")
        after = filled(before, name, make())
        if before != after and "--check" in arguments:
            stale.append(f"docs/{file}")
        elif before != after:
            path.write_text(after, encoding="utf-8")
    if stale:
        sys.exit(f"{', '.join(stale)}: not up to date with the code. Run `make docs`.")


if __name__ == "__main__":
    main(sys.argv[1:])
