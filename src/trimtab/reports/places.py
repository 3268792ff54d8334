"""Reports and comparisons without the places of the machine that made them. Knows nothing about pages or figures.

Pages are sent to others: of a file that is named in full they show its name, as much of it as tells it from others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar

from trimtab.reports.facts import Part

Made = TypeVar("Made", bound=Part)

# Settings that name files: a group, or a setting by itself.
_NAMING = ("backbone", "embeddings", "data", "method")
# What stands behind the name of a file of rows.
_LINE = re.compile(r":\d+$")


def without_places(made: Made) -> Made:
    """Return the same with paths that begin at the root, or at home, cut down; in whatever sentence they stand."""
    content = made.model_dump(mode="json")
    short = _short_names(set(_places(content)), _keys(content))
    if not short and not any(place in str(content) for place in _surroundings()):
        return made
    longest_first = sorted(short, key=len, reverse=True)
    named = re.compile("|".join(map(re.escape, longest_first))) if short else None
    around = [(re.compile(rf"(?<![\w/]){re.escape(place)}"), put) for place, put in _surroundings().items()]

    def cut(text: str) -> str:
        text = named.sub(lambda found: short[found[0]], text) if named else text
        for place, put in around:
            text = place.sub(put, text)
        return text

    return type(made).model_validate(_with_texts(content, cut))


def _surroundings() -> dict[str, str]:
    """Where this runs, and the user's home, each with what takes its place."""
    here, home = str(Path.cwd()), str(Path.home())
    return {f"{place}/": put for place, put in ((here, ""), (home, "~/")) if len(place) > 1}


def _places(content: dict[str, Any]) -> Iterator[str]:
    """Every path from the root that a report or a comparison names, lines of files left off."""
    settings = content["settings"]
    named = [settings.get(name) for name in _NAMING]
    named += [content["backbone"]["name"], content.get("data", {}).get("sources"), *_keys(content)]
    named += _values_of("where", content)
    for text in _texts(named):
        for part in text.split(", "):
            place = _LINE.sub("", part)
            if len(_pure(place).parts) > 1 and _pure(place).is_absolute():
                yield place


def _keys(content: dict[str, Any]) -> list[str]:
    """What ways are told apart by: of runs, their folders."""
    return [way["key"] for way in content.get("ways", [])]


def _pure(text: str) -> PurePath:
    posix = PurePosixPath(text)
    return posix if posix.is_absolute() else PureWindowsPath(text)


def _short_names(places: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Place -> its last parts, as few as are no other place's, nor are taken."""
    parts = {place: _pure(place).parts[1:] for place in sorted(places)}
    taken, found = set(taken) - set(parts), dict[str, str]()
    for count in range(1, 1 + max(map(len, parts.values()), default=0)):
        open_ = {place: "/".join(own[-count:]) for place, own in parts.items() if place not in found}
        times = Counter(open_.values())
        for place, name in open_.items():
            alone = times[name] == 1 and name not in taken and name not in found.values()
            if alone or count >= len(parts[place]):
                found[place] = name
    return found


def _values_of(name: str, value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name:
                yield inner
            else:
                yield from _values_of(name, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values_of(name, inner)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """A value whose texts, and names of what it holds, are changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(name): _with_texts(inner, change) for name, inner in value.items()}
    return [_with_texts(inner, change) for inner in value] if isinstance(value, list) else value
