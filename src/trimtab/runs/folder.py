"""What is in a run folder, by name, and how it is written. Knows nothing of what files hold; loaded in no time."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trimtab.errors import RunError

TASK_FILE, PROMPT_FILE, CHECKPOINT_FILE = "task.yaml", "prompt.safetensors", "checkpoint.safetensors"
METRICS_FILE, LOCK_FILE = "metrics.jsonl", ".lock"
# Where a search for the best method (`method: auto`) keeps what it tries, until it has come to its end.
SEARCH_FOLDER = "tried"
# What is in no name of a folder: controls, halves of surrogate pairs, what parts folders elsewhere.
_NO_FOLDER = re.compile(r"[\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# What the system says where a disk takes nothing more.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
# Bytes in the name of a folder, by most file systems.
_LONGEST_NAME = 255
# Behind the name of a file while it is written.
PART = ".part"
# What a process leaves that was killed while it began a run: nothing is lost with it.
BARELY_BEGUN = {METRICS_FILE, LOCK_FILE, TASK_FILE + PART}


def check_finished(*folders: Path) -> None:
    """Raise RunError unless each folder holds a run that was tuned to its end."""
    for folder in folders:
        if not (folder / PROMPT_FILE).is_file():
            raise RunError(
                f"{folder}: not a finished run (no {PROMPT_FILE}).",
                "Give the folder `trimtab tune` wrote; an interrupted one goes on with `trimtab tune FOLDER --resume`.",
            )


def folder_named(task: str, before: str = "") -> Path:
    """The folder in `runs/` that a job writes by default.

    Args:
        task: name of the task.
        before: what stands before it, `compare-` say.

    Raises:
        RunError: the name would be a place elsewhere, or none.
    """
    whole = before + task
    too_long = any(len(part.encode("utf-8", "replace")) > _LONGEST_NAME for part in whole.split("/"))
    if too_long or {"", ".", ".."} & set(task.split("/")) or _NO_FOLDER.search(task):
        raise RunError(
            f"name: '{task}' cannot be the name of a folder in runs/.",
            "Name the task otherwise, or choose a folder with --out.",
        )
    return Path("runs") / whole


def no_room(error: Exception) -> bool:
    """Whether it came about as a disk takes nothing more: with room again, the same would do."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _NO_ROOM


def write_whole(path: Path, content: str | bytes | Callable[[Path], None]) -> None:
    """Write a file so that at all times it is absent, the old one or the new one.

    Args:
        path: the file.
        content: what it holds, or what writes it to the path it is given.

    Raises:
        RunError: if it cannot be written; the old file stays.
    """
    work = path.with_name(path.name + PART)
    try:
        shutil.rmtree(work, ignore_errors=True)  # of a process that was killed
        work.mkdir()
        new = work / path.name
        if callable(content):
            content(new)
        else:
            new.write_bytes(content.encode("utf-8", errors="replace") if isinstance(content, str) else content)
        with new.open("rb") as written:
            os.fsync(written.fileno())
        new.chmod(work.stat().st_mode & 0o666)  # as the umask has it: safetensors would keep others from reading it
        new.replace(path)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror or error}).", "Free some space, or choose another folder."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def is_finished(folder: Path) -> bool:
    """Whether a run folder's training came to its end."""
    return (folder / PROMPT_FILE).is_file() and not (folder / CHECKPOINT_FILE).is_file()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file that is there in full or not at all. Raises RunError where it cannot be written."""
    with contextlib.suppress(OSError):  # said when the file is written
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(content))


def check_folder(out: Path, resume: bool) -> None:
    """Raise RunError where `out` cannot be begun, or with `resume` taken up."""
    if out.is_file():
        raise RunError(f"{out}: a file, not a folder.", "Choose another folder with --out.")
    searching = (out / SEARCH_FOLDER).is_dir()
    begun = searching or (out / TASK_FILE).is_file()
    finished = is_finished(out) and not searching
    if resume and begun:
        if finished:
            raise RunError(f"{out}: this run is finished.", "Look at it with `trimtab evaluate`.")
        return
    if out.is_dir() and not {path.name for path in out.iterdir()} <= BARELY_BEGUN:
        if begun and not finished:
            raise RunError(
                f"{out}: holds a run that was not finished.",
                "Go on with --resume, or choose another folder with --out.",
            )
        state = "holds a finished run" if begun else "is not empty"
        raise RunError(f"{out}: the folder {state}.", "Choose another folder with --out.")


def make_folder(folder: Path) -> None:
    """Make a folder to write into, before the work and not after it. Raises RunError where it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder}: cannot be written ({error.strerror}).", "Choose another folder with --out."
        ) from None
