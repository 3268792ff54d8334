"""What is picked from the data's size, and the order in which rows are seen."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from trimtab.settings.task import TrainSettings
from trimtab.training.loop import Plan
from trimtab.training.plan import Dev, allowed_rows, make_plan, rows_seen

ROWS = (1, 5, 32, 500, 7_000, 100_000, 1_000_000)


def test_picks_by_size():
    plans = [make_plan(TrainSettings(), rows, 0.04) for rows in ROWS]
    seen = [plan.steps * plan.batch_size for plan in plans]
    passes = [total / plan.rows for total, plan in zip(seen, plans, strict=True)]
    assert seen == sorted(seen)  # more data, more reading in all
    assert passes == sorted(passes, reverse=True)  # but fewer passes
    assert [plan.batch_size for plan in plans] == [1, 5, 8, 16, 16, 32, 32]
    assert passes[2] == 12.5
    assert passes[4] == pytest.approx(2, rel=0.01)
    assert passes[5:] == pytest.approx([1, 1], rel=0.001)
    for plan in plans:
        assert plan.batch_size <= plan.rows
        assert plan.steps >= 40
        assert 5 <= plan.steps / plan.evaluate_every <= 6
        assert (plan.patience, plan.rate, plan.optimiser, plan.schedule) == (None, 0.04, "adamw", "cosine")
    assert make_plan(TrainSettings(), 500, 0.04, generates=True) == replace(plans[3], patience=2)


def test_rows_seen_never_falls():
    sizes = sorted({round(1.3**k) for k in range(60)})
    assert all(rows_seen(a) <= rows_seen(b) for a, b in pairwise(sizes))


def test_what_is_set_is_taken():
    settings = TrainSettings(
        runs=3, seed=7, epochs=2.5, batch_size=10, accumulate=64, optimiser="sgd", patience=2, warmup=0.5, clip=None
    )
    plan = make_plan(settings, 101, 0.04)
    assert (plan.steps, plan.batch_size, plan.accumulate) == (26, 10, 10)
    assert (plan.seeds, plan.patience, plan.rate, plan.warmup, plan.clip) == ((7, 8, 9), 2, 2.0, 0.5, None)
    assert [make_plan(TrainSettings(patience=0), 100, 0.04, generates=writes).patience for writes in (False, True)] == [
        None
    ] * 2
    assert make_plan(TrainSettings(epochs=2, steps=3), 100, 0.04).steps == 3
    assert make_plan(TrainSettings(epochs=0.001), 100, 0.04).steps == 1
    assert make_plan(TrainSettings(rate=0.5), 100, 0.04).rate == 0.5
    assert make_plan(TrainSettings(optimiser="adafactor"), 100, 0.04).rate == 0.04


@pytest.mark.parametrize(("rows", "batch_size"), [(10, 4), (7, 7), (3, 8), (1, 1)])
def test_every_row_once_a_pass(rows, batch_size):
    plan = Plan(rows=rows, steps=0, batch_size=batch_size, evaluate_every=1, rate=1, seeds=(4, 5))
    steps = rows * 3
    seen = [i for step in range(steps) for i in plan.batch(0, step)]
    assert len(seen) == steps * batch_size
    passes = [seen[at : at + rows] for at in range(0, len(seen), rows)]
    assert all(Counter(one) == Counter(range(rows)) for one in passes)
    if rows > 3:
        assert len({tuple(one) for one in passes}) > 1  # another order each time


def test_the_order_depends_on_the_seed_alone():
    def plan(*seeds):
        return Plan(rows=50, steps=0, batch_size=8, evaluate_every=1, rate=1, seeds=seeds)

    assert plan(1, 2, 3).batch(2, 9) == plan(3).batch(0, 9)
    assert plan(1).batch(0, 0) != plan(2).batch(0, 0)


@pytest.mark.parametrize("generates", [False, True], ids=["labels", "texts"])
@pytest.mark.parametrize("weight", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("rows", [64, 300, 1_000, 5_000])
@pytest.mark.parametrize("dev", [32, 400, 5_000])
def test_scoring_dev_takes_a_small_share_of_the_time(rows, dev, weight, generates):
    plan = make_plan(TrainSettings(), rows, 0.04, generates=generates, dev=Dev(dev, weight))
    trained = 2.3 * plan.steps * plan.batch_size  # in rows of train read
    times = math.ceil(plan.steps / plan.evaluate_every)
    share = (times + 1) * plan.dev_rows * weight / (trained + (times + 1) * plan.dev_rows * weight)
    assert share <= 0.15 or (plan.dev_rows, times) == (32, 1)
    assert 32 <= plan.dev_rows <= dev
    assert plan.evaluations(plan.steps) == times
    assert plan.work == pytest.approx(plan.steps + times * plan.dev_rows * weight / (2.3 * plan.batch_size))


def test_how_dev_is_scored():
    def scored(rows: int, dev: Dev, generates: bool = False, **settings: object) -> tuple[int, int]:
        plan = make_plan(TrainSettings(**settings), rows, 0.04, generates=generates, dev=dev)
        return plan.evaluations(plan.steps), plan.dev_rows

    assert scored(1_000, Dev(400)) == (5, 400)
    assert scored(300, Dev(32)) == (6, 32)
    assert scored(64, Dev(400)) == (2, 106)  # 784 rows seen, each as dear as 2.3, x 15 / 85, over 3 readings
    assert scored(64, Dev(400), generates=True) == (6, 45)
    assert scored(8, Dev(400)) == (1, 64)
    assert scored(8, Dev(400, 10.0)) == (1, 32)
    assert scored(8, Dev(400, 10.0), runs=3) == (1, 100)  # what seeds are told apart by
    assert scored(300, Dev(400)) == (3, 231)
    assert scored(64, Dev(400), evaluate_every=14) == (7, 400)
    assert scored(64, Dev(400), evaluate_every=14, evaluate_rows=50) == (7, 50)
    assert scored(64, Dev(30), evaluate_every=14, evaluate_rows=50) == (7, 30)
    assert scored(64, Dev(400), evaluate_rows=60) == (4, 60)
    assert scored(64, Dev(400), evaluate_rows=400) == (1, 400)
    assert scored(64, Dev(400), steps=2) == (1, 32)


def test_rows_of_dev_that_fit_into_the_share():
    assert allowed_rows(850, Dev(400, 0.5)) == pytest.approx(300)  # 150 of 1,000 rows read
    assert allowed_rows(850, Dev(400, 0.0)) == math.inf
