"""The tasks that a multitask prompt is trained on beside its own. Knows nothing about the loop.

See `trimtab.methods.multitask`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from trimtab.backbones.open import local_or_known
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, check_labels, load_splits
from trimtab.errors import TrimtabError
from trimtab.inference.bound import BoundTask, bind, labels_of, template_of
from trimtab.methods.method import Condition, Tensors
from trimtab.methods.multitask import MultitaskPrompt, source
from trimtab.settings.file import read_task
from trimtab.settings.methods import MultitaskPromptSettings
from trimtab.settings.task import Task


@dataclass(frozen=True)
class Source:
    """One of the other tasks.

    Attributes:
        bound: the task, bound to the backbone.
        examples: its training rows.
        number: which of `method.sources` it is.
    """

    bound: BoundTask
    examples: list[Example]
    number: int

    def condition(self, tensors: Tensors, noise: torch.Generator | None) -> Condition:
        """How the tensors of a run condition the backbone for this task."""
        assert isinstance(self.bound.method, MultitaskPrompt)
        return self.bound.method.of(tensors, source(self.number), noise)


def read_sources(task: Task, pretrained: Pretrained, base: Path) -> list[Source]:
    """The other tasks that `task` is trained with; none for methods other than a multitask prompt.

    Raises:
        TrimtabError: whatever is wrong with one of them, its file named.
    """
    if not isinstance(task.method, MultitaskPromptSettings):
        return []
    if task.method.sources and task.answer.kind != "label":
        raise TrimtabError(
            f"method.sources: the answers of this task are of kind '{task.answer.kind}', and only tasks with labels "
            "are trained together.",
            "Leave method.sources out.",
        )
    sources = []
    for number, name in enumerate(task.method.sources):
        try:
            sources.append(_read(base / name, number, task, pretrained, base))
        except TrimtabError as error:
            raise TrimtabError(f"method.sources: {name}: {error.message}", error.hint) from error
    return sources


def _read(path: Path, number: int, task: Task, pretrained: Pretrained, base: Path) -> Source:
    other, place = read_task(path), path.parent
    if local_or_known(other.backbone, place) != local_or_known(task.backbone, base):
        raise TrimtabError(
            f"its backbone is {other.backbone}, that of this task {task.backbone}.", "Set both to the same one."
        )
    if other.answer.kind != "label":
        raise TrimtabError(
            f"its answers are of kind '{other.answer.kind}', and only tasks with labels are trained together.",
            "Name another task.",
        )
    splits = load_splits(other.data, template_of(other).fields, base=place)
    words = {label: list(own) for label, own in labels_of(other, [e.answer or "" for e in splits.train]).items()}
    check_labels(splits.train, list(words))
    bound = bind(other.model_copy(update={"method": task.method}), words, pretrained, place, training=True)
    if not isinstance(bound.method, MultitaskPrompt):
        raise TrimtabError("this backbone has no label words to answer with.", "Leave method.sources out.")
    return Source(bound, splits.train, number)


def absolute(task: Task, base: Path) -> Task:
    """The task with its sources named so that they are found from anywhere."""
    if not isinstance(task.method, MultitaskPromptSettings):
        return task
    names = [str((base / name).resolve()) for name in task.method.sources]
    return task.model_copy(update={"method": task.method.model_copy(update={"sources": names})})


def note(sources: Sequence[Source], rows: int) -> list[str]:
    """What a reader should know of the sources; `rows` of the task's own."""
    if not sources:
        return []
    named = ", ".join(f"{len(s.examples):,} of {s.bound.task.name}" for s in sources)
    return [f"sources: trained on {rows:,} rows of its own together with {named}"]
