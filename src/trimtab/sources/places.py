"""Where a data source is, from any folder. Knows nothing about what it holds."""

from __future__ import annotations

from pathlib import Path

from trimtab.sources.demo_data import is_known_data


def absolute(source: str | None, base: Path) -> str | None:
    """A data source that means the same from any folder: files become absolute, names stay."""
    if source is None or source == "-" or source.startswith("hub:"):
        return source
    path = base / source
    return source if not path.exists() and is_known_data(source) else str(path.resolve())


def is_here(source: str | None) -> bool:
    """Whether a data source of a resolved task can still be read: its file may have stayed on another machine."""
    return source is not None and (Path(source).exists() or source.startswith("hub:") or is_known_data(source))


def local_or_known(name: str, base: Path) -> str:
    """A backbone's name that means the same from any folder: a folder or file beside the task becomes absolute."""
    places = [place / Path(name).expanduser() for place in (base, Path.cwd())]
    return next((str(place.resolve()) for place in places if place.exists()), name)
