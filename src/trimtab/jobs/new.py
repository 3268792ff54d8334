"""`trimtab new`: task files to start from: ready ones with a sample of rows, or one for rows that a user has.

Knows nothing about backbones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from trimtab.errors import TaskError, TrimtabError, did_you_mean
from trimtab.kinds.inferred.task import Ask, Inferred, infer
from trimtab.runs.folder import write_whole
from trimtab.settings.file import read_task

TASKS = Path(__file__).parents[1] / "ready"


@dataclass(frozen=True)
class Ready:
    """A ready task.

    Attributes:
        name: its name, and that of its task file.
        summary: what it does, in a sentence.
        language: language of its texts.
        backbone: the backbone it starts with.
    """

    name: str
    summary: str
    language: str
    backbone: str


def ready_tasks() -> list[Ready]:
    """Every ready task, by name."""
    return [_ready(name) for name in _names()]


def _names() -> list[str]:
    return sorted(path.stem for path in TASKS.glob("*.yaml"))


def _ready(name: str) -> Ready:
    path = TASKS / f"{name}.yaml"
    task = read_task(path)
    summary = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
    return Ready(task.name, summary, task.language, task.backbone)


def run(name: str, folder: Path, *, force: bool = False) -> list[Path]:
    """Write a ready task and its sample rows into a folder, which is made where there is none.

    Args:
        name: the ready task.
        folder: where it goes.
        force: whether files of the same names are overwritten.

    Returns:
        What was written, the task file first.

    Raises:
        TrimtabError: an unknown name, or a file that is there already; nothing is written then.
        OSError: the folder cannot be written to.
    """
    known = _names()
    if name not in known:
        raise TrimtabError(f"no ready task '{name}'.", did_you_mean(name, known) or f"There are: {', '.join(known)}.")
    if folder.exists() and not folder.is_dir():
        raise TrimtabError(f"{folder}: a file, expected a folder.", "Choose another name for the folder.")
    sources = [TASKS / f"{name}{end}" for end in (".yaml", ".jsonl", "-test.jsonl")]
    targets = [folder / source.name for source in sources]
    there = next((target for target in targets if target.exists()), None)
    if there is not None and not force:
        raise TrimtabError(f"{there}: is there already.", "Choose another folder, or overwrite it with --force.")
    folder.mkdir(parents=True, exist_ok=True)
    for source, target in zip(sources, targets, strict=True):
        target.write_bytes(source.read_bytes())
    return targets


def from_rows(
    source: str,
    *,
    base: Path,
    label: str | None = None,
    text: Sequence[str] = (),
    answer: str | None = None,
    ask: Ask | None = None,
    force: bool = False,
) -> tuple[Path, Inferred]:
    """Write a task file for a file of rows into `base`, called as the file is.

    Args:
        source: the rows.
        base: the folder, at which a relative path starts too.
        label, text, answer, ask: see `infer`.
        force: whether a file of the same name is overwritten; one that says the same is left as it is anyway.

    Returns:
        The task file, and what it was told from.

    Raises:
        TrimtabError: as `infer` does, or another task file of that name is there already.
    """
    inferred = infer(source, base=base, label=label, text=text, answer=answer, ask=ask)
    assert inferred.task  # what it says is valid
    path = base / f"{inferred.settings['name']}.yaml"
    content = written(source, inferred)
    if path.exists() and not force and path.read_text(encoding="utf-8", errors="replace") != content:
        raise TaskError(
            f"{path}: is there already, and says something else than {source} would.",
            f"Use it as it is (`trimtab tune {path}`), or move it.",
        )
    write_whole(path, content)
    return path, inferred


def written(source: str, inferred: Inferred) -> str:
    """A task file: what was told from the rows as comments, and the settings."""
    told = "".join(f"#   {sentence}\n" for sentence in inferred.told)
    settings = yaml.safe_dump(inferred.settings, sort_keys=False, allow_unicode=True, width=100)
    name = " ".join(source.split())
    return f"# Told from the rows of {name}; every line can be changed (docs/task-file.md).\n{told}{settings}"
