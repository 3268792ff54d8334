"""Runs that were uploaded, as they are kept on disk. Knows nothing about HTTP.

Each lies in a folder of its own, and one file says which of them are registered: it is written whole or not at all, so
that a kill at any time leaves the former runs or the new ones.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from trimtab.errors import RunError
from trimtab.runs.folder import PROMPT_FILE, TASK_FILE, make_folder, write_whole

INDEX = "registered.json"


class _Index(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: str = "trimtab-store-1"
    runs: dict[str, str] = {}


class Store:
    """A folder of runs that were uploaded.

    Args:
        folder: made where it is not there. Nothing else is to be in it.

    Raises:
        RunError: it cannot be read or written, or holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        make_folder(folder)
        self._runs = self._read()
        if not self._runs and any(path.name != INDEX and not _ours(path) for path in folder.iterdir()):
            raise RunError(
                f"{folder}: holds something else than uploaded runs.", "Choose an empty folder with --store."
            )
        for path in folder.iterdir():  # of uploads that a kill broke off, or whose run was replaced
            if _ours(path) and path.name not in self._runs.values():
                shutil.rmtree(path, ignore_errors=True)

    def _read(self) -> dict[str, str]:
        path = self.folder / INDEX
        try:
            return _Index.model_validate_json(path.read_bytes()).runs
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError):
            raise RunError(f"{path}: damaged, or not readable.", "Put it back, or choose another folder.") from None

    @property
    def runs(self) -> Mapping[str, Path]:
        """The folders of registered runs by name."""
        return {name: self.folder / place for name, place in self._runs.items()}

    def stage(self, files: Mapping[str, bytes]) -> Path:
        """Write the files of a run into a folder of their own, not registered yet.

        Raises:
            RunError: they cannot be written.
        """
        place = self.folder / secrets.token_hex(16)
        make_folder(place)
        try:
            for name in (TASK_FILE, PROMPT_FILE):
                write_whole(place / name, files[name])
        except RunError:
            self.drop(place)
            raise
        return place

    def register(self, name: str, staged: Path) -> None:
        """Keep what was staged under a name, in place of what that had. Raises RunError; then all is as before."""
        with self._lock:
            before = self._runs.get(name)
            self._write({**self._runs, name: staged.name})
        if before is not None:
            self.drop(self.folder / before)

    def forget(self, name: str) -> None:
        """Keep the run of a name no more. Raises RunError where that cannot be written; then it stays."""
        with self._lock:
            place = self._runs[name]
            self._write({other: own for other, own in self._runs.items() if other != name})
        self.drop(self.folder / place)

    def drop(self, staged: Path) -> None:
        """Take away a folder."""
        shutil.rmtree(staged, ignore_errors=True)

    def _write(self, runs: dict[str, str]) -> None:
        write_whole(self.folder / INDEX, _Index(runs=runs).model_dump_json(indent=2) + "\n")
        self._runs = runs


def _ours(path: Path) -> bool:
    """Whether a folder is called as those of this store are."""
    return len(path.name) == 32 and set(path.name) <= set("0123456789abcdef")
