"""Skewed labels: which kinds of answer may weigh and choose by them. Knows nothing about any one kind."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab.errors import TaskError
from trimtab.settings.task import Task


def check_skew(task: Task, plural: str, choose_by: Sequence[str] = ()) -> None:
    """Refuse weights of labels, and what is chosen by, where answers are of a kind without them.

    Args:
        task: the settings.
        plural: what several answers are called.
        choose_by: what the kind may choose by besides its own score; nothing where it has no labels.

    Raises:
        TaskError: at the first of them.
    """
    train = task.train
    if train.class_weights != "none" and not choose_by:
        raise TaskError(
            f"train.class_weights weighs labels, and the answers of this task are {plural}.", "Take it out."
        )
    if train.choose_by is not None and train.choose_by not in choose_by:
        raise TaskError(
            f"train.choose_by is '{train.choose_by}', and the answers of this task are {plural}.",
            f"Set it to {' or '.join(choose_by)}, or take it out." if choose_by else "Take it out.",
        )
