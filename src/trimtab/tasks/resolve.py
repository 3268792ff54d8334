"""A task with nothing left open, bound to its backbone: method, lengths, wording and demonstrations are picked here.

Knows nothing about training or run folders.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from trimtab.backbones.open import Progress
from trimtab.backbones.pretrained import Pretrained
from trimtab.errors import TrimtabError
from trimtab.evaluation.text.words import are_chinese
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.runs.run import GIVEN
from trimtab.settings.methods import FewShotSettings, SearchSettings
from trimtab.settings.task import Task
from trimtab.tasks.demonstrations import best_draw, drawn, starting, with_count
from trimtab.tasks.rows import TaskRows, started_from
from trimtab.tasks.search import search
from trimtab.tasks.usual_method import context_tuned, note, with_reading, without_auto


@dataclass(frozen=True)
class Resolved:
    """A task as it will be trained or answered.

    Attributes:
        rows: the task as it was given, and its rows.
        words: label -> label words; changed by hard prompt search only.
        bound: the task with everything picked, bound to its backbone.
        picked: what method was picked, and why, in a sentence; "" where it is the one that the task names.
        notes: what else was chosen, a sentence each.
        facts: what the run remembers of it.
        choosing: seconds that choosing what is shown or started from took; 0 where nothing was chosen.
    """

    rows: TaskRows
    words: dict[str, list[str]]
    bound: BoundTask
    picked: str = ""
    notes: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    choosing: float = 0.0


def resolve(
    rows: TaskRows, pretrained: Pretrained, progress: Progress | None = None, *, training: bool = True
) -> Resolved:
    """Pick what the task leaves open, and bind it.

    Where it names no method and its rows speak for context tuning, it is that; where the demonstrations are refused, a
    soft prompt, and what else is refused is so for that one too.

    Args:
        rows: the task and its rows.
        pretrained: the backbone.
        progress: told what is being done.
        training: whether rows will be run many times. Else nothing is scored to choose by: demonstrations are those of
            the first draw, and a wording is not searched.

    Raises:
        TrimtabError: what rows, template or words have against the method.
    """
    task = rows.kind.settled_length(rows.task, rows.splits.train, pretrained)
    task = with_reading(task, rows, pretrained)
    usual = context_tuned(task, rows, pretrained)
    task = without_auto(task)
    if usual is not None:
        with suppress(TrimtabError):
            found = _picked(usual, rows, pretrained, progress, training)
            for part in (rows.splits.train, rows.splits.dev):
                found.bound.encode(part)  # a long row may not fit behind demonstrations
            return replace(found, picked=note(len(rows.splits.train)))
    return _picked(task, rows, pretrained, progress, training)


def _picked(task: Task, rows: TaskRows, pretrained: Pretrained, progress: Progress | None, training: bool) -> Resolved:
    """The task bound, with wording or demonstrations chosen where its method asks for that."""
    task, words, base = with_count(task, rows), rows.words, rows.base
    began = time.perf_counter()
    if isinstance(task.method, SearchSettings) and training:
        return _searched(task, rows, pretrained, progress)
    start = started_from(task)
    if start is None and not isinstance(task.method, FewShotSettings):
        return Resolved(rows, words, bind(task, words, pretrained, base, training=training))
    draws = drawn(start or task, rows, pretrained, training=training, from_init=start is not None)
    best, notes = best_draw(draws, rows.splits.dev, progress)
    notes = [*notes, *best.demonstrations.notes]
    if start is not None:
        best = bind(starting(task, best), words, pretrained, base, training=training, start=best.shown)
    return Resolved(rows, words, best, notes=notes, choosing=time.perf_counter() - began if notes else 0.0)


def _searched(task: Task, rows: TaskRows, pretrained: Pretrained, progress: Progress | None) -> Resolved:
    """The task in the wording, and with the label words, that answer dev best."""
    assert isinstance(task.method, SearchSettings)
    began = time.perf_counter()
    words, dev, budget = rows.words, rows.splits.dev, task.method.budget
    texts = [task.task, *words, *(text for example in dev for text in example.fields.values())]
    found = search(
        task, words, dev, pretrained,
        budget=budget,
        chinese=are_chinese(texts, task.language),
        on_scored=(lambda scored: progress("searching", scored, budget)) if progress else None,
    )  # fmt: skip
    best = found.best
    said = (
        f"search: {found.wordings} wordings and {found.word_sets} sets of label words ranked on dev, {found.scored:,} "
        "rows scored in all; the best "
    )
    same = (best.task, best.words) == (task, words)
    said += "are the given ones." if same else "stand in the run's task.yaml."
    given = {"task": task.task, "text": task.template.text, "words": words}
    bound = bind(best.task, best.words, pretrained, rows.base, training=True)
    choosing = time.perf_counter() - began
    return Resolved(rows, best.words, bound, notes=[said], facts={GIVEN: given}, choosing=choosing)
