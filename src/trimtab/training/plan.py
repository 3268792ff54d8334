"""Pick steps, batch, rate and how dev is scored from the data's size. Knows nothing about models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from trimtab.settings.task import TrainSettings
from trimtab.training.loop import Plan
from trimtab.training.optimisers import RATE_OF

# Rows seen in all, by number of training rows; between these, by the logarithm of the rows.
_SEEN = ((8, 320), (32, 400), (100, 1_200), (256, 2_000), (1_000, 6_000), (7_000, 14_000), (100_000, 100_000))
# The largest share of a training's time that scoring dev takes, unless it is asked for.
SHARE = 0.15
# What a token costs that is trained, beside one that is only read: forward, and backward through frozen weights (2.34
# of SmolLM2-135M with a soft prompt on SST-2, in processor time); where weights are trained too, it is more.
TRAINED = 2.3
# How often dev is scored where that is cheap; so often all of it, before fewer of its rows are.
OFTEN, ALL_OF_IT = 6, 3
# Rows of dev that tell steps and seeds apart; fewer of texts, each token of which counts. And the fewest ever scored.
USEFUL, USEFUL_TEXTS, FEWEST = 100, 32, 32


@dataclass(frozen=True)
class Dev:
    """Rows of dev, and the tokens of one of them beside those of a training row, in the mean."""

    rows: int
    weight: float = 1.0


def make_plan(
    settings: TrainSettings, rows: int, rate: float, *, generates: bool = False, dev: Dev | None = None
) -> Plan:
    """Fill in what the task file leaves open.

    Small data is passed over many times, large data once; batches are small where rows are few, so that there are
    always about fifty steps or more. The best step on dev is kept. Labels are trained to the end, where the rate has
    fallen to zero: their dev accuracy is too rough to stop by. Texts may be learned by heart in an epoch or two, which
    the probability of dev's answers tells at once. Dev is scored as often, and as many of its rows, as fits into a
    share of the time.

    Args:
        settings: the task file's.
        rows: training rows.
        rate: the one that serves the method by default, with AdamW.
        generates: whether answers are said token by token.
        dev: what is chosen on; None where scoring it costs nothing.
    """
    batch = settings.batch_size or min(rows, 8 if rows < 500 else 16 if rows < 20_000 else 32)
    if settings.steps is not None:
        steps = settings.steps
    else:
        seen = settings.epochs * rows if settings.epochs is not None else rows_seen(rows)
        steps = max(1, math.ceil(seen / batch))
    dev = dev or Dev(0, 0.0)
    every, judged = _evaluations(settings, steps, allowed_rows(steps * batch * TRAINED, dev), dev, generates)
    patience = settings.patience
    if patience is None:  # where answers are texts, a third of the steps
        patience = max(2, math.ceil(steps / every / 3)) if generates else 0
    return Plan(
        rows=rows,
        steps=steps,
        batch_size=batch,
        evaluate_every=every,
        rate=settings.rate if settings.rate is not None else rate * RATE_OF[settings.optimiser],
        seeds=tuple(settings.seed + k for k in range(settings.runs)),
        accumulate=min(settings.accumulate, batch),
        patience=patience or None,
        optimiser=settings.optimiser,
        schedule=settings.schedule,
        warmup=settings.warmup,
        weight_decay=settings.weight_decay,
        clip=settings.clip,
        dev_rows=judged,
        judging=judged * dev.weight / (TRAINED * batch),
    )


def allowed_rows(read: float, dev: Dev) -> float:
    """Rows of dev that are scored in the share of the time they may take; `read` is the rest, in training rows read."""
    return SHARE / (1 - SHARE) * read / dev.weight if dev.weight else math.inf


def _evaluations(settings: TrainSettings, steps: int, allowed: float, dev: Dev, generates: bool) -> tuple[int, int]:
    """Steps between evaluations, and the rows of dev scored at each.

    Once more than at evaluations they are read when training is over, for what is settled on dev (a temperature, say).
    """
    if settings.evaluate_every is not None:
        return settings.evaluate_every, min(settings.evaluate_rows or dev.rows, dev.rows)
    useful = min(dev.rows, USEFUL_TEXTS if generates else USEFUL)
    judged = min(settings.evaluate_rows or dev.rows, dev.rows)
    times = min(OFTEN, int(min(allowed, 1e9) // max(judged, 1)) - 1)
    if settings.evaluate_rows is None and times < ALL_OF_IT:
        times = min(OFTEN if generates else ALL_OF_IT, max(1, int(allowed // max(useful, 1)) - 1))
        fewest = useful if times > 1 or settings.runs > 1 else min(dev.rows, FEWEST)
        judged = max(fewest, min(dev.rows, int(allowed // (times + 1))))
    return math.ceil(steps / max(1, times)), judged


def rows_seen(rows: int) -> float:
    """Rows passed over in all by default: about 12 epochs of 32 to 100 rows, 2 of 7,000, 1 of 100,000 and more."""
    if rows <= _SEEN[0][0]:
        return float(_SEEN[0][1])
    for (low, low_seen), (high, high_seen) in pairwise(_SEEN):
        if rows <= high:
            share = (math.log(rows) - math.log(low)) / (math.log(high) - math.log(low))
            return math.exp(math.log(low_seen) + share * (math.log(high_seen) - math.log(low_seen)))
    return float(rows)
