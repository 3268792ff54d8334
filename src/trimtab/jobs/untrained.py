"""What the methods that train nothing settle before they answer: demonstrations, wording, calibration.

Knows nothing about run folders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from trimtab.backbones.open import Progress
from trimtab.backbones.pretrained import Pretrained
from trimtab.data import Example, Splits, stratified_sample
from trimtab.errors import TrimtabError
from trimtab.evaluation.text.words import are_chinese
from trimtab.inference.answers import check_answer
from trimtab.inference.bound import BoundTask
from trimtab.inference.calibration import content_free
from trimtab.inference.search import search
from trimtab.methods.method import Tensors
from trimtab.methods.zero_shot import CALIBRATION
from trimtab.prompts import choose_demonstrations
from trimtab.prompts.demonstrations import usual_count
from trimtab.runs.run import GIVEN
from trimtab.settings.methods import (
    FewShotSettings,
    PrefixSettings,
    SearchSettings,
    SoftPromptSettings,
    ZeroShotSettings,
)
from trimtab.settings.task import Task
from trimtab.training.loop import DevScore

DRAW_ROWS = 100


@dataclass(frozen=True)
class Settled:
    """A task as it will be answered.

    Attributes:
        task, words: the settings and label words, changed by hard prompt search only.
        draws: what few-shot may show, or chooses from; of several draws the best on dev is shown.
        notes: what was done, a sentence each.
        facts: what the run remembers of it.
    """

    task: Task
    words: dict[str, list[str]]
    draws: Sequence[Sequence[Example]] = ((),)
    notes: Sequence[str] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def settle(
    task: Task, words: dict[str, list[str]], splits: Splits, pretrained: Pretrained, progress: Progress | None = None
) -> Settled:
    """Choose demonstrations or wording, where the method asks for that.

    Raises:
        TrimtabError: what the rows, the template or the words have against it.
    """
    match task.method:
        case FewShotSettings(calibrate=True, choice="nearest"):
            raise TrimtabError(
                "method.calibrate needs one prompt for all rows, and with method.choice=nearest each has its own.",
                "Set method.choice to random or fixed, or leave method.calibrate out.",
            )
        case FewShotSettings():
            draws = task.method.draws if task.method.choice == "random" and splits.dev else 1
            own = (splits.train, list(words), task.method, task.train.seed)
            return Settled(task, words, [choose_demonstrations(*own, draw) for draw in range(draws)])
        case SearchSettings():
            return _searched(task, words, splits, pretrained, progress)
        case _:
            return Settled(task, words)


def settled_demonstrations(task: Task, words: Mapping[str, Sequence[str]], train: Sequence[Example]) -> Task:
    """The task with how many demonstrations it shows or starts from written out, where it does and leaves that open."""
    shown = task.method if isinstance(task.method, FewShotSettings) else None
    if started_from(task):
        shown = FewShotSettings()
    if shown is None or getattr(task.method, "demonstrations", None) is not None:
        return task
    count = usual_count(shown, len(words), len(train))
    return task.model_copy(update={"method": task.method.model_copy(update={"demonstrations": count})})


def calibration(bound: BoundTask) -> Tensors:
    """The tensor of a run whose answers are calibrated; none where that is not asked for."""
    method = bound.task.method
    if isinstance(method, ZeroShotSettings | FewShotSettings) and method.calibrate:
        return {CALIBRATION: content_free(bound)}
    return {}


def started_from(task: Task) -> Task | None:
    """The few-shot task whose demonstrations the task's method starts from; None where it starts from something else.

    Raises:
        TrimtabError: what few-shot has against the answers.
    """
    method = task.method
    if not isinstance(method, SoftPromptSettings | PrefixSettings) or method.init != "demonstrations":
        return None
    shown = task.model_copy(update={"method": FewShotSettings(demonstrations=method.demonstrations)})
    with refusing():
        check_answer(shown)
    return shown


@contextmanager
def refusing() -> Iterator[None]:
    """Says of what few-shot has against a task that it was asked for by `method.init`."""
    try:
        yield
    except TrimtabError as error:
        raise TrimtabError(
            f"method.init is 'demonstrations', and few-shot does not go with this task: {error.message}",
            "Start from something else: set method.init to task.",
        ) from error


def starting(task: Task, shown: BoundTask) -> Task:
    """The task with its prompt as long as the demonstrations it starts from, unless its length is set."""
    if "length" in task.method.model_fields_set:
        return task
    before = len(shown.leading) if isinstance(task.method, PrefixSettings) else 0
    return task.model_copy(update={"method": task.method.model_copy(update={"length": before + len(shown.shown)})})


def best_draw(
    draws: Sequence[BoundTask],
    dev: Sequence[Example],
    score: Callable[[BoundTask, list[Example]], DevScore],
    progress: Progress | None = None,
) -> tuple[BoundTask, list[str]]:
    """The task bound to the demonstrations that do best on dev, of equals the first, and a note on the choice.

    Args:
        draws: the task, bound to each draw.
        dev: rows of dev; a seeded stratified sample of at most `DRAW_ROWS` is scored.
        score: scores a bound task on rows.
        progress: told how many draws have been scored.
    """
    if len(draws) == 1:
        return draws[0], []
    rows = stratified_sample(dev, DRAW_ROWS, draws[0].task.train.seed)
    best, scores = 0, list[DevScore]()
    for k, bound in enumerate(draws):
        if progress:
            progress("choosing demonstrations", k, len(draws))
        scores.append(score(bound, rows))
        if scores[k].beats(scores[best]):
            best = k
    low, high = min(s.accuracy for s in scores), max(s.accuracy for s in scores)
    reached = f"({low:.1%} to {high:.1%})"
    return draws[best], [f"demonstrations: the best of {len(draws)} draws on {len(rows)} rows of dev {reached}."]


def _searched(
    task: Task, words: dict[str, list[str]], splits: Splits, pretrained: Pretrained, progress: Progress | None
) -> Settled:
    assert isinstance(task.method, SearchSettings)
    budget = task.method.budget
    texts = [task.task, *words, *(text for example in splits.dev for text in example.fields.values())]
    found = search(
        task, words, splits.dev, pretrained,
        budget=budget,
        chinese=are_chinese(texts, task.language),
        on_scored=(lambda rows: progress("searching", rows, budget)) if progress else None,
    )  # fmt: skip
    best = found.best
    note = (
        f"search: {found.wordings} wordings and {found.word_sets} sets of label words ranked on dev, {found.scored:,} "
        "rows scored in all; the best "
    )
    same = (best.task, best.words) == (task, words)
    note += "are the given ones." if same else "stand in the run's task.yaml."
    given = {"task": task.task, "text": task.template.text, "words": words}
    return Settled(best.task, best.words, notes=[note], facts={GIVEN: given})
