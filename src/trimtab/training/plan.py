"""Pick steps, batch and rate from the data's size. Knows nothing about models."""

from __future__ import annotations

import math
from itertools import pairwise

from trimtab.settings.task import TrainSettings
from trimtab.training.loop import Plan
from trimtab.training.optimisers import RATE_OF

# Rows seen in all, by number of training rows; between these, by the logarithm of the rows.
_SEEN = ((8, 320), (32, 400), (100, 1_200), (256, 2_000), (1_000, 6_000), (7_000, 14_000), (100_000, 100_000))


def make_plan(settings: TrainSettings, rows: int, rate: float, *, generates: bool = False) -> Plan:
    """Fill in what the task file leaves open.

    Small data is passed over many times, large data once; batches are small where rows are few, so that there are
    always about fifty steps or more. The best step on dev is kept. Labels are trained to the end, where the rate has
    fallen to zero: their dev accuracy is too rough to stop by. Texts may be learned by heart in an epoch or two, which
    the probability of dev's answers tells at once.

    Args:
        settings: the task file's.
        rows: training rows.
        rate: the one that serves the method by default, with AdamW.
        generates: whether answers are said token by token.
    """
    batch = settings.batch_size or min(rows, 8 if rows < 500 else 16 if rows < 20_000 else 32)
    if settings.steps is not None:
        steps = settings.steps
    else:
        seen = settings.epochs * rows if settings.epochs is not None else rows_seen(rows)
        steps = max(1, math.ceil(seen / batch))
    every = settings.evaluate_every or max(1, math.ceil(steps / 6))
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
    )


def rows_seen(rows: int) -> float:
    """Rows passed over in all by default: about 12 epochs of 32 to 100 rows, 2 of 7,000, 1 of 100,000 and more."""
    if rows <= _SEEN[0][0]:
        return float(_SEEN[0][1])
    for (low, low_seen), (high, high_seen) in pairwise(_SEEN):
        if rows <= high:
            share = (math.log(rows) - math.log(low)) / (math.log(high) - math.log(low))
            return math.exp(math.log(low_seen) + share * (math.log(high_seen) - math.log(low_seen)))
    return float(rows)
