"""`trimtab new`: ready task files and a sample of rows for each, to start from. Knows nothing about backbones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trimtab.errors import TrimtabError, did_you_mean
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
