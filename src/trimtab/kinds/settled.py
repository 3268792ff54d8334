"""What a run's answers to dev settle where they are labels: how sure they are, and from when on they are given.

N rows, C labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from trimtab.data.example import Example
from trimtab.kinds.classes import collected_classes
from trimtab.settings.methods import FewShotSettings, HeadSettings, SearchSettings, ZeroShotSettings
from trimtab.settings.task import Task


def settled_labels(task: Task, dev: Sequence[Example], answers: Callable[[], Sequence[Any]]) -> Task:
    """Return the task with its temperature, and the probability from which on an answer is given, as dev has them.

    Args:
        task: of a run that is trained; what it says itself stands.
        dev: rows that it was chosen on.
        answers: gives its answers to them, which is done once at most.
    """
    once = cache(answers)
    tempered = _with_temperature(task, dev, once)
    if task.labels.abstain is None or task.labels.answer_from is not None:
        return tempered
    return _answering_from(tempered, dev, once, answered_at=task.labels.temperature)


def _with_temperature(task: Task, dev: Sequence[Example], answers: Callable[[], Sequence[Any]]) -> Task:
    """The temperature of what was trained, where it is left open; not of a head alone, whose rows are read once."""
    as_it_is = isinstance(task.method, ZeroShotSettings | FewShotSettings | SearchSettings | HeadSettings)
    if as_it_is or task.labels.temperature is not None:
        return task
    from trimtab.evaluation.scores.gold import answer_ids
    from trimtab.evaluation.scores.temperature import FEWEST, best_temperature

    found = 1.0
    if len(dev) >= FEWEST:
        labels = list(task.labels.words or {})
        probabilities_NC = collected_classes(answers(), labels).probabilities_NC
        found = best_temperature(probabilities_NC, answer_ids(dev, labels))
    return _with(task, temperature=found)


def _answering_from(
    task: Task, dev: Sequence[Example], answers: Callable[[], Sequence[Any]], answered_at: float | None
) -> Task:
    """The probability from which on answers are right as often as is wanted; `answered_at` their own temperature."""
    from trimtab.evaluation.scores.abstaining import NEVER, answer_from
    from trimtab.evaluation.scores.gold import answer_ids
    from trimtab.evaluation.scores.temperature import tempered

    if not dev:
        return _with(task, answer_from=NEVER)
    labels, wanted = list(task.labels.words or {}), task.labels.abstain
    assert wanted is not None
    found = collected_classes(answers(), labels)
    right_N = found.answers_N == answer_ids(dev, labels)
    probabilities_NC, temperature = found.probabilities_NC, task.labels.temperature
    if answered_at is None and temperature not in (None, 1.0):
        probabilities_NC = tempered(probabilities_NC, temperature)
    return _with(task, answer_from=answer_from(probabilities_NC.max(axis=1), right_N, wanted))


def _with(task: Task, **settled: float) -> Task:
    return task.model_copy(update={"labels": task.labels.model_copy(update=settled)})
