"""Where data and models are, from any folder. Knows nothing about what they hold."""

from __future__ import annotations

from glob import glob
from pathlib import Path

from trimtab.settings.task import Task
from trimtab.sources.demo_data import is_known_data


def absolute(source: str | list[str] | None, base: Path) -> str | list[str] | None:
    """A data source that means the same from any folder: files and patterns become absolute, names stay."""
    if isinstance(source, list):
        return [_absolute(one, base) for one in source]
    return None if source is None else _absolute(source, base)


def _absolute(source: str, base: Path) -> str:
    if source == "-" or source.startswith("hub:"):
        return source
    path = base / source
    return source if not path.exists() and is_known_data(source) else str(path.resolve())


def is_here(source: str | list[str] | None) -> bool:
    """Whether a data source of a resolved task can still be read: its file may have stayed on another machine."""
    if source is None or isinstance(source, list):
        return bool(source) and all(map(is_here, source or []))
    if glob(source, recursive=True):  # noqa: PTH207  (Path's takes no absolute pattern)
        return True
    return Path(source).exists() or source.startswith("hub:") or is_known_data(source)


def local_or_known(name: str, base: Path) -> str:
    """A backbone's name that means the same from any folder: a folder or file beside the task becomes absolute."""
    places = [place / Path(name).expanduser() for place in (base, Path.cwd())]
    return next((str(place.resolve()) for place in places if place.exists()), name)


def from_anywhere(task: Task, base: Path) -> Task:
    """A task whose data and models mean the same from any folder."""
    places = {part: absolute(getattr(task.data, part), base) for part in ("train", "dev", "test")}
    models = {name: local_or_known(getattr(task, name), base) for name in ("backbone", "embeddings", "word_vectors")}
    return task.model_copy(update={"data": task.data.model_copy(update=places), **models})
