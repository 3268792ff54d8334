"""What a search for the best way keeps beside its run, so that it can go on. Knows nothing about ways."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from trimtab.errors import RunError
from trimtab.runs.folder import SEARCH_FOLDER, TASK_FILE, write_json
from trimtab.runs.run import save_task
from trimtab.settings.file import dump_task
from trimtab.settings.task import Task

STATE_FILE = "search.json"


@dataclass
class SearchState:
    """What a search that was stopped goes on with: seconds spent and foreseen, and the steps of each training."""

    path: Path
    budget: float | None = None
    spent: float = 0.0
    steps: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> SearchState:
        """As it was written, or a new one."""
        if not path.is_file():
            return cls(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            steps = {str(key): int(count) for key, count in content["steps"].items()}
            budget = content["budget"]
            return cls(path, None if budget is None else float(budget), float(content["spent"]), steps)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{path}: damaged ({error!r}).", f"Delete {path.parent} and tune again.") from None

    def write(self) -> None:
        """Keep it."""
        write_json(self.path, {"budget": self.budget, "spent": self.spent, "steps": self.steps})


def begun(folder: Path, task: Task) -> SearchState:
    """Begin a search in a folder, or take up the one that was stopped there.

    Raises:
        RunError: it was begun with other settings, or what it keeps is damaged.
    """
    path = folder / TASK_FILE
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        save_task(folder, task)
    elif path.read_text(encoding="utf-8") != dump_task(task):
        raise RunError(
            f"{folder.parent}: begun with other settings.",
            "Give the settings it was begun with, or choose another folder with --out.",
        )
    return SearchState.read(folder / STATE_FILE)


def finish(folder: Path) -> None:
    """Remove what a search that is done tried besides."""
    shutil.rmtree(folder / SEARCH_FOLDER, ignore_errors=True)
