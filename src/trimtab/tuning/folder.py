"""The loop beside its run folder: begun or taken up, steps recorded, files written whole, Ctrl-C heeded.

Knows nothing about what is trained.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from trimtab.data.records import source_name
from trimtab.errors import TrimtabError
from trimtab.runs.folder import CHECKPOINT_FILE, TASK_FILE
from trimtab.runs.run import save_task
from trimtab.runs.stops import STOPS
from trimtab.runs.tensors import load_tensors, save_tensors
from trimtab.settings.file import read_task
from trimtab.settings.task import Task
from trimtab.training.loop import Plan, StepRecord
from trimtab.training.trainer import Trainer
from trimtab.tuning import metrics

OnStep = Callable[[StepRecord, Plan], None]
# Asked after every step whether to leave it at that.
Enough = Callable[[StepRecord, Plan], bool]


@dataclass(frozen=True)
class Stop:
    """A training that ended before its last step: at which, and whether the user wished so."""

    step: int
    by_user: bool


# Large checkpoints are written less often, so that writing them takes at most one part in this many of the time; but
# where one is wanted after every step it is written.
SAVING_SHARE = 20
# What to do where memory runs out.
SMALLER = (
    "Set train.gradient_checkpointing=true, raise train.accumulate, or lower train.batch_size, train.runs or "
    "template.max_tokens."
)


def begin(out: Path, task: Task, training: Trainer, made_of: Mapping[str, str], choosing: float) -> None:
    """Make the run folder, or take up the one that was begun.

    Args:
        out: the folder.
        task: with everything picked written out.
        training: the loop.
        made_of: hashes of what a checkpoint can be taken up with.
        choosing: seconds that choosing what is shown or started from took.
    """
    if (out / TASK_FILE).is_file():
        _take_up(out, task, training, made_of)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        metrics.begin(out, choosing)
        save_task(out, task)
    except (OSError, TrimtabError) as error:
        shutil.rmtree(out, ignore_errors=True)
        if isinstance(error, TrimtabError):
            raise
        raise TrimtabError(
            f"{out}: cannot be written ({error.strerror}).", "Choose another folder with --out."
        ) from None


def _take_up(out: Path, task: Task, training: Trainer, made_of: Mapping[str, str]) -> None:
    """Go on from the checkpoint of a folder, or from the start where none was saved yet."""
    check_settings(out, read_task(out / TASK_FILE), task)
    if (out / CHECKPOINT_FILE).is_file():
        stored = load_tensors(out / CHECKPOINT_FILE)
        stored.values.setdefault("files", made_of["files"])  # checkpoints of Trimtab 0.1.0 do not know them
        sources = (
            ("weights", "weights", task.backbone),
            ("files", "config.json or tokenizer files", task.backbone),
            ("examples", "examples", source_name(task.data.train)),
        )
        for what, title, source in sources:
            if stored.values.get(what) != made_of[what]:
                raise TrimtabError(
                    f"{out}: begun with other {title} than {source} holds now.",
                    "Put the former ones back, or choose another folder with --out.",
                )
        training.restore(stored)
    metrics.keep(out, training.done)


def check_settings(out: Path, begun: BaseModel, given: BaseModel) -> None:
    """Raise TrimtabError where a folder was begun with other settings than are given now."""
    before, now = _flat(begun.model_dump(mode="json")), _flat(given.model_dump(mode="json"))
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if names:
        changed = "; ".join(f"{name} was {before.get(name)!r}, is {now.get(name)!r}" for name in names)
        raise TrimtabError(
            f"{out}: begun with other settings: {changed}.",
            "Give the settings it was begun with, or choose another folder with --out.",
        )


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings by their dotted names."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        out |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {above + name: value}
    return out


def run_loop(
    training: Trainer,
    out: Path,
    made_of: Mapping[str, str],
    every: float,
    on_step: OnStep | None,
    enough: Enough | None = None,
    smaller: str = SMALLER,
) -> Stop | None:
    """Run the loop, recording and saving as it goes. Returns where it was stopped, by the user or as it was enough.

    Where memory runs out, `smaller` says what to do about it.
    """
    saved = time.monotonic()
    with _interruptible() as interrupted:
        try:
            for record in training.steps():
                metrics.append(out, record)
                if on_step:
                    on_step(record, training.plan)
                if interrupted() and training.done < training.plan.steps:
                    _save(out, training, made_of)
                    return Stop(training.done, by_user=True)
                if enough and training.done < training.plan.steps and enough(record, training.plan):
                    return Stop(training.done, by_user=False)
                if time.monotonic() - saved >= every:
                    began = time.monotonic()
                    _save(out, training, made_of)
                    saved = time.monotonic()
                    every = max(every, SAVING_SHARE * (saved - began)) if every else 0.0
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise TrimtabError(
                f"out of memory at step {training.done + 1} (batch of {training.plan.batch_size} rows a run, "
                f"{len(training.parameters)} run(s)).",
                smaller,
            ) from None
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of an accelerator."""
    return isinstance(error, MemoryError) or "out of memory" in str(error) or "can't allocate memory" in str(error)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a wish to stop after the step at hand; a second one stops at once.

    So do SIGTERM and SIGHUP (a machine that shuts down, a terminal that closes), unless they are ignored.
    """
    wished = False

    def wish(*_: object) -> None:
        nonlocal wished
        wished = True
        for own in before:
            signal.signal(own, signal.default_int_handler)

    before = {own: signal.getsignal(own) for own in STOPS if signal.getsignal(own) not in (signal.SIG_IGN, None)}
    try:
        for own in before:
            signal.signal(own, wish)
    except ValueError:  # not the main thread: nobody presses Ctrl-C here
        yield lambda: False
        return
    try:
        yield lambda: wished
    finally:
        for own, handler in before.items():
            signal.signal(own, handler)


def _save(out: Path, training: Trainer, made_of: Mapping[str, str]) -> None:
    stored = training.checkpoint()
    save_tensors(out / CHECKPOINT_FILE, stored.tensors, {**stored.values, **made_of})
