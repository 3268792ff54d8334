"""What is foreseen of a training's time, from steps whose times are made up."""

from __future__ import annotations

import pytest

from trimtab.training.foresight import Foresight
from trimtab.training.loop import DevScore, Plan, StepRecord


def seen(*seconds: float, judged: tuple[int, ...] = (), judging: float = 4.0) -> Foresight:
    plan = Plan(rows=40, steps=10, batch_size=8, evaluate_every=4, rate=0.1, seeds=(0,), dev_rows=9, judging=judging)
    made = Foresight(plan)
    for step, took in enumerate(seconds, 1):
        made.saw(StepRecord(step, step / 5, 0.1, [0.5], [DevScore(0.5, 0.5)] if step in judged else None, took))
    return made


def test_the_first_step_sets_up_and_tells_nothing_once_others_are_known() -> None:
    assert seen(9.0).pace == 9.0
    assert seen(9.0, 1.0, 3.0).pace == 2.0


def test_evaluations_count_as_the_plan_foresees_them_and_then_as_they_were() -> None:
    early = seen(9.0, 1.0, 3.0)
    assert (early.known, early.whole, early.left) == (3, 10 * 2 + 3 * 8, 7 * 2 + 3 * 8)
    assert early.dev_share == pytest.approx(24 / 44)
    later = seen(9.0, 1.0, 3.0, 7.0, judged=(4,))
    assert (later.judging, later.whole, later.left) == (5.0, 10 * 2 + 3 * 5, 6 * 2 + 2 * 5)


def test_where_every_step_is_evaluated_the_plan_tells_its_parts() -> None:
    made = seen(5.0, 5.0, judged=(1, 2))
    assert (made.pace, made.judging) == (1.0, 4.0)


def test_nothing_is_left_at_the_end_and_an_evaluation_is_never_less_than_nothing() -> None:
    made = seen(*[2.0] * 7, 1.0, 2.0, 2.0, judged=(4, 8, 10))
    assert made.left == 0
    assert made.judging == 0


def test_work_grows_with_steps_and_evaluations() -> None:
    plan = seen().plan
    assert [plan.work_done(step) for step in (0, 3, 4, 8, 9, 10)] == [0, 3, 8, 16, 17, 22]
    assert plan.work == 22
