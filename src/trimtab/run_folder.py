"""What is in a run folder, by name. Knows nothing about what the files hold, and is loaded in no time."""

from __future__ import annotations

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
