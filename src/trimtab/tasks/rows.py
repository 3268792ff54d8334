"""A task and its rows, read and checked before a backbone is at hand. Knows nothing about tokens or training.

Nothing here imports torch, so that a mistake in a task or its data is told at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from trimtab.data import Splits
from trimtab.data import load_splits as load
from trimtab.data.leakage import Seen
from trimtab.data.memory import RowsInMemory
from trimtab.data.splits import leaks
from trimtab.errors import TaskError, TrimtabError
from trimtab.kinds.choose import kind_of
from trimtab.kinds.kind import Kind
from trimtab.runs.trained_on import trained_on
from trimtab.settings.answers import LABEL, AnswerSettings
from trimtab.settings.file import read_task
from trimtab.settings.methods import (
    FewShotSettings,
    MultitaskPromptSettings,
    PrefixSettings,
    SoftPromptSettings,
    WarpSettings,
)
from trimtab.settings.task import DataSettings, Task
from trimtab.sources.places import local_or_known


@dataclass(frozen=True)
class TaskRows:
    """A task and its rows.

    Attributes:
        task: the settings, with what answers are told by picked from the rows.
        base: folder at which its relative paths start.
        words: label -> label words; none where answers are no labels.
        splits: the rows.
        sources: the other tasks that it is trained with, in order.
    """

    task: Task
    base: Path
    words: dict[str, list[str]]
    splits: Splits
    sources: tuple[TaskRows, ...] = ()

    @property
    def seen(self) -> Seen:
        """What a run of the task is trained on: its rows, those of its sources, and what the run it starts from was.

        Raises:
            RunError: what the run it starts from was trained on cannot be read.
        """
        method = self.task.method
        seen = Seen.of(chain(self.splits.train, *(other.splits.train for other in self.sources)))
        if (
            isinstance(method, SoftPromptSettings | WarpSettings | MultitaskPromptSettings)
            and method.init == "run"
            and method.init_run
        ):
            seen |= trained_on(self.base / method.init_run) or Seen(frozenset(), frozenset())
        return seen

    @property
    def kind(self) -> Kind[Any]:
        """The kind of answer."""
        return kind_of(self.task.answer)


def read_rows(
    task: Task, base: Path, splits: Splits | None = None, rows: Mapping[str, RowsInMemory] | None = None
) -> TaskRows:
    """Read and check the rows of a task, and of the tasks that it is trained with.

    Args:
        task: the settings.
        base: folder at which the task's relative paths start.
        splits: the rows, where the caller has read them as the task says.
        rows: rows in memory, by split, in place of what the task names (see `load_splits`).

    Raises:
        TrimtabError: whatever is wrong with settings or rows.
    """
    kind = kind_of(task.answer)
    kind.check(task)
    started_from(task)
    splits = splits or load(task.data, kind.template(task).fields, kind, base=base, rows=rows)
    task = kind.settled(task, splits.train)
    words = kind.words(task, splits.train)
    for part in (splits.train, splits.dev, splits.test):
        kind.check_rows(part, words)
    sources = _read_sources(task, base)
    if shared := _shared(task, sources, splits):
        splits = replace(splits, note=[*shared, *splits.note])
    return TaskRows(task, base, words, splits, sources)


def load_splits(
    settings: DataSettings, fields: tuple[str, ...] | list[str], answer: AnswerSettings = LABEL, *, base: Path | str,
    rows: Mapping[str, RowsInMemory] | None = None,
) -> Splits:  # fmt: skip
    """Read the splits of a task whose answers are of a kind; see `trimtab.data.splits.load_splits`.

    Args:
        settings: where the rows are, and how they are read.
        fields: fields of the template.
        answer: the kind of answer, and its settings.
        base: folder at which relative paths start.
        rows: rows in memory, by split (`train`, `dev`, `test`), in place of what the settings name: a list of
            dictionaries, or a table of pandas, polars, pyarrow or `datasets`.

    Raises:
        TrimtabError: a split cannot be read, train has one label, number or tag only, or nothing can be set aside.
    """
    return load(settings, fields, kind_of(answer), base=Path(base), rows=rows)


def started_from(task: Task) -> Task | None:
    """The few-shot task whose demonstrations the task's method starts from; None where it starts from something else.

    Raises:
        TaskError: what few-shot has against the answers.
    """
    method = task.method
    if not isinstance(method, SoftPromptSettings | PrefixSettings) or method.init != "demonstrations":
        return None
    shown = task.model_copy(update={"method": FewShotSettings(demonstrations=method.demonstrations)})
    try:
        kind_of(task.answer).check(shown)
    except TrimtabError as error:
        raise refused(error) from error
    return shown


def refused(error: TrimtabError) -> TaskError:
    """What few-shot has against a task, where it was asked for by `method.init`."""
    return TaskError(
        f"method.init is 'demonstrations', and few-shot does not go with this task: {error.message}",
        "Start from something else: set method.init to task.",
    )


def _read_sources(task: Task, base: Path) -> tuple[TaskRows, ...]:
    """The other tasks that `task` is trained with; none for methods other than a multitask prompt."""
    if not isinstance(task.method, MultitaskPromptSettings) or not task.method.sources:
        return ()
    kind = kind_of(task.answer)
    if not kind.counted_by_label:
        raise TaskError(
            f"method.sources: the answers of this task are of kind '{kind.settings.kind}', and only tasks with labels "
            "are trained together.",
            "Leave method.sources out.",
        )
    sources = []
    for name in task.method.sources:
        try:
            sources.append(_read_source(base / name, task, base))
        except TrimtabError as error:
            raise type(error)(f"method.sources: {name}: {error.message}", error.hint) from error
    return tuple(sources)


def _shared(task: Task, sources: Sequence[TaskRows], splits: Splits) -> list[str]:
    """Says which rows of test and dev another task is trained on."""
    if not isinstance(task.method, MultitaskPromptSettings):
        return []
    return [
        f"method.sources: {name}: {said}"
        for name, other in zip(task.method.sources, sources, strict=True)
        for said in leaks(other.splits.train, splits.dev, splits.test)
    ]


def _read_source(path: Path, task: Task, base: Path) -> TaskRows:
    other, place = read_task(path), path.parent
    if local_or_known(other.backbone, place) != local_or_known(task.backbone, base):
        raise TaskError(
            f"its backbone is {other.backbone}, that of this task {task.backbone}.", "Set both to the same one."
        )
    kind = kind_of(other.answer)
    if not kind.counted_by_label:
        raise TaskError(
            f"its answers are of kind '{kind.settings.kind}', and only tasks with labels are trained together.",
            "Name another task.",
        )
    splits = load(other.data, kind.template(other).fields, kind, base=place)
    words = kind.words(other, splits.train)
    kind.check_rows(splits.train, words)
    return TaskRows(other.model_copy(update={"method": task.method}), place, words, splits)
