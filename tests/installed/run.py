"""Build the wheel, install it without extras into two empty environments, and use it there as its users do.

One environment has the versions of constraints.txt, the other the newest that the wheel allows; both have the PyTorch
that is given. In the first the default backbone and the demo data are fetched into an empty cache; the other is given
them, and tried more briefly. What is done is in steps.py. Knows nothing about Trimtab but its command and its demo.

    python tests/installed/run.py torch==2.13.0
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
STEPS = Path(__file__).with_name("steps.py")
# What a wheel is built from. A copy of it is, as builds in a checkout take along what an earlier one has left.
SOURCES = ("LICENSE", "README.md", "pyproject.toml", "src")
# The demo, shortened. With more than 200 rows it tunes a soft prompt.
DEMO = (
    "tune", "examples/movie-reviews.yaml", "--out", "runs/demo",
    "--set", "train.steps=2", "--set", "train.epochs=null", "--set", "train.evaluate_every=2",
    "--set", "train.batch_size=8", "--set", "data.limit=204", "--set", "data.dev_limit=8", "--set", "data.test_limit=8",
)  # fmt: skip


class FailedError(Exception):
    """A command failed; says which, and what it printed."""


def called(command: Sequence[str | Path], folder: Path, environment: dict[str, str] | None = None) -> str:
    """What a command prints to standard output. Raises FailedError where it fails."""
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        shown = " ".join(map(str, command))
        raise FailedError(f"{shown}\nended with {done.returncode} and said:\n{done.stdout}{done.stderr}")
    return done.stdout


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def clean_environment(**own: str) -> dict[str, str]:
    """The environment of this process without what would let other code, models or settings in."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "TRIMTAB_", "HF_", "VIRTUAL_ENV"))
    }
    return {**kept, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", **own}


def build(work: Path) -> Path:
    """The wheel of this checkout."""
    sources = work / "sources"
    sources.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, sources / name)
    called([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", work, sources], work)
    [wheel] = work.glob("trimtab-*.whl")
    return wheel


def install(folder: Path, wheel: Path, torch: Sequence[str], constraints: Sequence[str | Path]) -> Path:
    """An environment with PyTorch and the wheel alone, installed as the README says; returns its folder of programs."""
    called([sys.executable, "-m", "venv", folder], folder.parent)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    environment = clean_environment()
    called([*pip, *torch], folder.parent, environment)
    called([*pip, *constraints, wheel], folder.parent, environment)
    called([folder / "bin" / "python", "-m", "pip", "check"], folder.parent, environment)
    return folder / "bin"


@dataclass(frozen=True)
class Place:
    """Where Trimtab is used.

    Attributes:
        programs: the folder of the environment's programs.
        folder: an empty folder but for examples/.
        environment: the variables that programs get.
    """

    programs: Path
    folder: Path
    environment: dict[str, str]

    def demo(self) -> None:
        """Tune, by the command that was installed."""
        called([self.programs / "trimtab", *DEMO], self.folder, self.environment)

    def steps(self, which: str) -> None:
        """Do everything else, or the commonest of it."""
        called([self.programs / "python", "-I", STEPS, which], self.folder, self.environment)


def place(name: str, work: Path, wheel: Path, torch: Sequence[str], constraints: Sequence[str | Path]) -> Place:
    """Install, and lay out a folder with the examples beside an empty cache."""
    programs = install(work / f"{name}-environment", wheel, torch, constraints)
    folder = work / name
    folder.mkdir()
    shutil.copytree(ROOT / "examples", folder / "examples")
    own = clean_environment(TRIMTAB_CACHE=str(folder / "cache"), HF_HOME=str(folder / "hub"), COLUMNS="160")
    return Place(programs, folder, own)


def run(work: Path, torch: Sequence[str]) -> None:
    """The whole of it. Raises FailedError where anything fails."""
    wheel = build(work)
    with ThreadPoolExecutor(2) as pool:
        pinned, newest = pool.map(
            lambda name, constraints: place(name, work, wheel, torch, constraints),
            ("pinned", "newest"),
            (["-c", ROOT / "constraints.txt"], []),
        )
        say("  installed without extras: the versions of constraints.txt, and the newest")
        pinned.demo()
        say("  tuned from an empty cache")
        for part in ("models", "data"):  # and not what was converted: that is made anew
            shutil.copytree(pinned.folder / "cache" / part, newest.folder / "cache" / part)
        used = pool.submit(pinned.steps, "everything")
        newest.demo()
        newest.steps("commonest")
        used.result()
        say("  used: tune, predict, evaluate, compare, chat, perplexity, export, import, every ready task")


def main(torch: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="installed-") as work:
        try:
            run(Path(work), torch)
        except FailedError as error:
            say(str(error))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["torch"]))
