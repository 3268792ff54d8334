"""What is in a run folder, by name, and how it is written. Knows nothing of what files hold; loaded in no time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from trimtab.errors import TrimtabError

TASK_FILE, PROMPT_FILE = "task.yaml", "prompt.safetensors"


def check_finished(*folders: Path) -> None:
    """Raise TrimtabError unless each folder holds a run that was tuned to its end."""
    for folder in folders:
        if not (folder / PROMPT_FILE).is_file():
            raise TrimtabError(
                f"{folder}: not a finished run (no {PROMPT_FILE}).",
                "Give the folder `trimtab tune` wrote; an interrupted one goes on with `trimtab tune FOLDER --resume`.",
            )


def write_whole(path: Path, content: str | bytes | Callable[[Path], None]) -> None:
    """Write a file so that at all times it is absent, the old one or the new one.

    Args:
        path: the file.
        content: what it holds, or what writes it to the path it is given.

    Raises:
        TrimtabError: if it cannot be written; the old file stays.
    """
    work = path.with_name(path.name + ".part")
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
        new.replace(path)
    except OSError as error:
        raise TrimtabError(
            f"{path}: cannot be written ({error.strerror or error}).", "Free some space, or choose another folder."
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
