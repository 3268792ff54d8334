"""What is in a run folder, by name, and how it is written. Knows nothing of what files hold; loaded in no time."""

from __future__ import annotations

import contextlib
import os
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


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that at all times it is absent, the old one or the new one.

    Raises:
        TrimtabError: if it cannot be written; the old file stays.
    """
    data = content.encode("utf-8", errors="replace") if isinstance(content, str) else content
    work = path.with_name(path.name + ".part")
    try:
        with work.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        work.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            work.unlink(missing_ok=True)
        raise TrimtabError(
            f"{path}: cannot be written ({error.strerror or error}).", "Free some space, or choose another folder."
        ) from error
