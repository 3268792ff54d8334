"""Demonstrations that a task shows or starts from: how many, how often they are drawn, and how long a start is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trimtab.data import Example, Splits
from trimtab.errors import TaskError
from trimtab.kinds.bind import bind
from trimtab.methods.zero_shot import CALIBRATION
from trimtab.settings.file import make_task
from trimtab.settings.task import Task
from trimtab.tasks.demonstrations import best_draw, calibration, drawn, starting, with_count
from trimtab.tasks.rows import TaskRows

WORDS = {"bad": ["bad"], "good": ["good"]}
TRAIN = [Example({"text": f"film {i}"}, ("bad", "good")[i % 2], f"r:{i}") for i in range(12)]


def rows(dev: list[Example] | None = None, words: dict[str, list[str]] = WORDS) -> TaskRows:
    return TaskRows(make_task({}), Path(), words, Splits(TRAIN, TRAIN[:4] if dev is None else dev, []))


def task(method: Any, **changes: Any) -> Task:
    return make_task({"task": "good ?", "method": method, **changes})


def test_how_many_are_shown_is_written_out_where_it_is_left_open() -> None:
    assert with_count(task("few_shot"), rows()).method.demonstrations == 8  # type: ignore[union-attr]
    many = {f"label {i}": ["x"] for i in range(10)}
    assert with_count(task("few_shot"), rows(words=many)).method.demonstrations == 10  # type: ignore[union-attr]
    for name in ("soft_prompt", "prefix"):
        started = with_count(task({"name": name, "init": "demonstrations"}), rows()).method
        assert started.demonstrations == 8  # type: ignore[union-attr]
    for method in ({"name": "few_shot", "demonstrations": 3}, "soft_prompt", "lora"):
        assert with_count(task(method), rows()) == task(method)


@pytest.mark.parametrize(
    ("choice", "dev", "training", "draws"),
    [
        ("random", None, True, 4),
        ("random", None, False, 1),
        ("random", [], True, 1),
        ("fixed", None, True, 1),
        ("nearest", None, True, 1),
    ],
)
def test_only_random_ones_are_drawn_several_times_and_only_to_be_scored(
    choice: str, dev: list[Example] | None, training: bool, draws: int, pretrained: Any
) -> None:
    shown = task({"name": "few_shot", "demonstrations": 3, "choice": choice})
    made = drawn(shown, rows(dev), pretrained, training=training, from_init=False)
    assert len(made) == draws
    assert len({tuple(e.where for e in bound.demonstrations.examples) for bound in made}) == draws
    assert best_draw(made[:1], TRAIN) == (made[0], [])


def test_what_few_shot_refuses_is_said_of_the_start_where_one_was_asked_for(pretrained: Any) -> None:
    shown = task({"name": "few_shot", "demonstrations": 3}, template={"max_tokens": 10})
    found = []
    for from_init in (False, True):
        with pytest.raises(TaskError) as caught:
            drawn(shown, rows(), pretrained, training=True, from_init=from_init)
        found.append(caught.value)
    plain, started = found
    assert str(started) == (
        f"method.init is 'demonstrations', and few-shot does not go with this task: {plain.message} "
        "Start from something else: set method.init to task."
    )


def test_calibration_needs_one_prompt_for_all_rows(pretrained: Any) -> None:
    shown = task({"name": "few_shot", "demonstrations": 3, "choice": "nearest", "calibrate": True})
    with pytest.raises(TaskError) as caught:
        drawn(shown, rows(), pretrained, training=True, from_init=False)
    assert str(caught.value) == (
        "method.calibrate needs one prompt for all rows, and with method.choice=nearest each has its own. "
        "Set method.choice to random or fixed, or leave method.calibrate out."
    )
    for method, kept in (({"name": "zero_shot", "calibrate": True}, [CALIBRATION]), ("zero_shot", []), ("lora", [])):
        assert list(calibration(bind(task(method), WORDS, pretrained))) == kept


def test_a_start_is_as_long_as_what_it_starts_from_unless_its_length_is_set(pretrained: Any) -> None:
    [shown] = drawn(
        task({"name": "few_shot", "demonstrations": 3}), rows(), pretrained, training=False, from_init=False
    )  # fmt: skip
    for name in ("soft_prompt", "prefix"):
        method = {"name": name, "init": "demonstrations"}
        assert starting(task(method), shown).method.length == len(shown.shown)  # type: ignore[union-attr]
        assert starting(task({**method, "length": 7}), shown).method.length == 7  # type: ignore[union-attr]
