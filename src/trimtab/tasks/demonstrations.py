"""Demonstrations that a task shows or starts from: drawn, bound, and the best on dev. Knows no run folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch

from trimtab.backbones.open import Progress
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, stratified_sample
from trimtab.errors import TaskError, TrimtabError
from trimtab.inference.calibration import content_free
from trimtab.kinds.bind import bind
from trimtab.kinds.bound_task import BoundTask
from trimtab.methods.method import Tensors
from trimtab.methods.zero_shot import CALIBRATION
from trimtab.prompts import choose_demonstrations
from trimtab.prompts.demonstrations import usual_count
from trimtab.settings.methods import FewShotSettings, PrefixSettings, ZeroShotSettings
from trimtab.settings.task import Task
from trimtab.tasks.rows import TaskRows, refused, started_from
from trimtab.training.criterion import Conditioned
from trimtab.training.loop import DevScore

DRAW_ROWS = 100


def with_count(task: Task, rows: TaskRows) -> Task:
    """The task with how many demonstrations it shows or starts from written out, where it does and leaves that open."""
    shown = task.method if isinstance(task.method, FewShotSettings) else None
    if started_from(task):
        shown = FewShotSettings()
    if shown is None or getattr(task.method, "demonstrations", None) is not None:
        return task
    count = usual_count(shown, len(rows.words), len(rows.splits.train))
    return task.model_copy(update={"method": task.method.model_copy(update={"demonstrations": count})})


def drawn(task: Task, rows: TaskRows, pretrained: Pretrained, *, training: bool, from_init: bool) -> list[BoundTask]:
    """A few-shot task bound to each draw of demonstrations; only random ones have more than one.

    Args:
        task: the few-shot task.
        rows: what is drawn from.
        pretrained: the backbone.
        training: whether draws are to be scored; else there is the first one only.
        from_init: whether few-shot was asked for by `method.init`, which errors then say.

    Raises:
        TrimtabError: what few-shot has against the task or its rows.
    """
    method, splits = task.method, rows.splits
    assert isinstance(method, FewShotSettings)
    if method.calibrate and method.choice == "nearest":
        raise TaskError(
            "method.calibrate needs one prompt for all rows, and with method.choice=nearest each has its own.",
            "Set method.choice to random or fixed, or leave method.calibrate out.",
        )
    count = method.draws if training and method.choice == "random" and splits.dev else 1
    own = (splits.train, list(rows.words), method, task.train.seed)
    chosen = [choose_demonstrations(*own, draw) for draw in range(count)]
    with _refusing() if from_init else nullcontext():
        return [bind(task, rows.words, pretrained, rows.base, shown, training=training) for shown in chosen]


@contextmanager
def _refusing() -> Iterator[None]:
    """Says of what few-shot has against a task that it was asked for by `method.init`."""
    try:
        yield
    except TrimtabError as error:
        raise refused(error) from error


def starting(task: Task, shown: BoundTask) -> Task:
    """The task with its prompt as long as the demonstrations it starts from, unless its length is set."""
    if "length" in task.method.model_fields_set:
        return task
    before = len(shown.leading) if isinstance(task.method, PrefixSettings) else 0
    return task.model_copy(update={"method": task.method.model_copy(update={"length": before + len(shown.shown)})})


def best_draw(
    draws: Sequence[BoundTask], dev: Sequence[Example], progress: Progress | None = None
) -> tuple[BoundTask, list[str]]:
    """The task bound to the demonstrations that do best on dev, of equals the first, and a note on the choice.

    Args:
        draws: the task, bound to each draw.
        dev: rows of dev; a seeded stratified sample of at most `DRAW_ROWS` is scored.
        progress: told how many draws have been scored.
    """
    if len(draws) == 1:
        return draws[0], []
    rows = stratified_sample(dev, DRAW_ROWS, draws[0].task.train.seed)
    best, scores = 0, list[DevScore]()
    for k, bound in enumerate(draws):
        if progress:
            progress("choosing demonstrations", k, len(draws))
        scores.append(_untrained_score(bound, rows))
        if scores[k].beats(scores[best]):
            best = k
    low, high = min(s.accuracy for s in scores), max(s.accuracy for s in scores)
    reached = f"({low:.1%} to {high:.1%})"
    return draws[best], [f"demonstrations: the best of {len(draws)} draws on {len(rows)} rows of dev {reached}."]


def _untrained_score(bound: BoundTask, examples: Sequence[Example]) -> DevScore:
    """What a task that trains nothing reaches on rows."""
    targets, _ = bound.kind.targets(bound, bound.encode(examples), examples, 1)
    criterion = bound.kind.criterion(bound, targets, targets, None)
    condition = bound.method.condition(calibration(bound))
    backbone = condition.on(bound.pretrained.backbone)
    with torch.no_grad():
        return criterion.evaluate(Conditioned(backbone, [condition], [bound.prompt(condition, backbone)]))[0]


def calibration(bound: BoundTask) -> Tensors:
    """The tensor of a run whose answers are calibrated; none where that is not asked for."""
    method = bound.task.method
    if isinstance(method, ZeroShotSettings | FewShotSettings) and method.calibrate:
        return {CALIBRATION: content_free(bound)}
    return {}
