"""How a task goes through the code, from `jobs/tune.py` to the first training step: calls followed while a tune runs.

    python benchmarks/way_of_a_task.py [TASK.yaml]

Prints the files that are entered; the climbs, calls from a file into one of a room that stands higher in the import
contract of pyproject.toml; and the returns, calls into a file that had been entered before and left. Values that are
returned climb nowhere. Calls within a file, and those of other libraries, are not counted; each pair of files counts
once.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import trimtab
from trimtab.jobs import tune
from trimtab.settings.file import read_task
from trimtab.training.loop import Training

ROOT = Path(trimtab.__file__).parent
SETTINGS = tomllib.loads((ROOT.parents[1] / "pyproject.toml").read_text())["tool"]
CONTRACT = SETTINGS["importlinter"]["contracts"][0]


class Reached(Exception):
    """The first training step."""


def height(file: str) -> int:
    """How high a file's room stands in the import contract: the larger, the higher; -1 where it is not listed."""
    name = "trimtab." + file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for i, layer in enumerate(reversed(CONTRACT["layers"])):
        if any(f"{name}.".startswith(f"{room.strip()}.") for room in layer.split("|")):
            return i
    return -1


def follow(job: Callable[[], object]) -> tuple[list[str], list[tuple[str, str]], list[tuple[str, str]]]:
    """Files entered in order, climbs, and returns to a file that was entered before."""
    files: list[str] = []
    climbs: dict[tuple[str, str], None] = {}
    returns: dict[tuple[str, str], None] = {}

    def own(frame: FrameType | None) -> str:
        """The file of the innermost call that is ours."""
        while frame is not None:
            if frame.f_code.co_filename.startswith(str(ROOT)):
                return str(Path(frame.f_code.co_filename).relative_to(ROOT))
            frame = frame.f_back
        return ""

    def note(frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(str(ROOT)):
            return
        if frame.f_code is Training._step.__code__:
            raise Reached
        here, before = own(frame), own(frame.f_back)
        if here == before:
            return
        if here not in files:
            files.append(here)
        elif (before, here) not in returns:
            returns[before, here] = None
        if before and height(here) > height(before):
            climbs[before, here] = None

    sys.setprofile(note)
    with contextlib.suppress(Reached):
        job()
    sys.setprofile(None)
    return files, list(climbs), list(returns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", nargs="?", default="examples/support-messages.yaml", type=Path)
    given = parser.parse_args()
    task = read_task(given.task, ["method=soft_prompt", "train.steps=1"])
    with tempfile.TemporaryDirectory() as folder:
        tune.run(task, Path(folder) / "before", base=given.task.parent, report=False)  # so that all is imported
        files, climbs, returns = follow(
            lambda: tune.run(task, Path(folder) / "run", base=given.task.parent, report=False)
        )
    print(f"{len(files)} files, {len(climbs)} climbs, {len(returns)} returns to a file")
    print("\nfiles, as they are entered:")
    print("".join(f"  {file}\n" for file in files))
    print("climbs:")
    print("".join(f"  {before} -> {here}\n" for before, here in sorted(climbs)) or "  none\n")


if __name__ == "__main__":
    main()
