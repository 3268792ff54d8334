"""Made-up results of several seeds of a method on the same rows. Not a test."""

from __future__ import annotations

import numpy as np

from trimtab.evaluation.interval.interval import Interval


def correct(seeds: int, accuracy: float, rows: int, seed: int) -> np.ndarray:
    """Whether each seed is right on each row, [seeds, rows]."""
    return np.random.default_rng(seed).random((seeds, rows)) < accuracy


def simulated(random: np.random.Generator, of_seeds: float, rows: int = 300) -> np.ndarray:
    """Sums (right, given, there) of three seeds whose chance to be right differs, about which rows agree in part."""
    easy_N = random.random(rows)
    chances = 0.7 + of_seeds * random.standard_normal(3)
    right = 0.5 * easy_N[None] + 0.5 * random.random((3, rows)) < chances[:, None]
    return np.stack([right, np.ones_like(right), np.ones_like(right)], axis=-1).astype(float)


def f1(sums: np.ndarray) -> np.ndarray:
    return 2 * sums[..., 0] / (sums[..., 1] + sums[..., 2])


def width(interval: Interval) -> float:
    return interval.high - interval.low
