"""What is shown while a job runs: lines where nobody watches, one bar at a time on a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trimtab.cli.progress import Bars, PretrainingBars
from trimtab.training.loop import DevScore, Plan, StepRecord

PLAN = Plan(rows=64, steps=1200, batch_size=8, evaluate_every=600, rate=0.1, seeds=(0, 1))


def record(step: int, *losses: float | None, dev: tuple[float | None, ...] = (), seconds: float = 0.0001) -> StepRecord:
    scores = [None if found is None else DevScore(found, 0.5) for found in dev] or None
    return StepRecord(step, step / 8, 0.1, list(losses), scores, seconds)


def test_how_long_a_training_takes_is_said_once_three_steps_are_timed(capsys: pytest.CaptureFixture[str]) -> None:
    plan = replace(PLAN, dev_rows=100, judging=100.0)
    with Bars() as bars:
        for step in range(1, 6):
            bars.step(record(step, 0.5, seconds=0.5), plan)
            [task] = bars.bars.tasks
            assert (task.completed, task.total) == (step, 1400)
        bars.step(record(600, 0.5, seconds=50.5, dev=(0.5, 0.5)), plan)
        assert (task.completed, task.total) == (700, 1400)
    # 1,197 steps and 2 evaluations of 100 steps each, of half a second
    said = "about 12 min to train, 14% of it scoring dev\nstep 600 of 1,200: loss 0.500, dev 50.0% 50.0%\n"
    assert capsys.readouterr().err == said


def test_evaluations_are_lines_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars() as bars:
        bars.progress("reading rows", 0, 64)
        bars.step(record(599, 0.4, 0.6), PLAN)
        bars.step(record(1200, 0.4, None, dev=(0.875, None)), PLAN)
    # The mean over runs that go on, smoothed: 0.95 * 0.5 + 0.05 * 0.4.
    assert capsys.readouterr() == ("", "step 1,200 of 1,200: loss 0.495, dev 87.5%\n")


def test_rows_that_are_read_only_have_no_loss(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars() as bars:
        bars.step(record(3, None, None, dev=(0.5, 0.25)), PLAN)
    assert capsys.readouterr().err == "step 3 of 1,200: reading, dev 50.0% 25.0%\n"


def test_one_thing_is_shown_at_a_time() -> None:
    bars = Bars()
    for what, done in (("reading rows", 1), ("reading rows", 2), ("tuning", 5)):
        bars.progress(what, done, 9)
    [task] = bars.bars.tasks
    assert (task.description, task.completed, task.total) == ("tuning", 5, 9)


def test_lines_are_not_broken_or_coloured(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    line = "[red]a name[/red] in 12 words: " + "so " * 20
    Bars().say(line)
    assert capsys.readouterr().err == f"{line}\n"


def test_tokens_a_second_leave_out_evaluations(capsys: pytest.CaptureFixture[str]) -> None:
    with PretrainingBars() as bars:
        bars.read(record(1, 2.0, seconds=0.5), PLAN, 100)
        bars.read(record(2, 2.0, dev=(0.5,), seconds=9.0), PLAN, 100)
    # 1,198 steps of half a second; exp(0.5) is 1.65
    said = "step 2 of 1,200 (pass 0.25): loss 2.000, dev perplexity 1.65, 200 tokens/s, about 10 min left\n"
    assert capsys.readouterr() == ("", said)
