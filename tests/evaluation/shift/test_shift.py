"""What of a distance to train is chance: against SciPy, and how often rows that are like train are called otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import permutation_test

from trimtab.data.example import Example
from trimtab.evaluation.shift.drawn import drawn
from trimtab.evaluation.shift.measures import unknown_words
from trimtab.evaluation.shift.shift import distances


def test_the_difference_of_the_means_is_tested_by_permutation_and_holm() -> None:
    random = np.random.default_rng(0)
    held_out, judged = random.random(50), random.random(40) + 0.12
    same = random.random(30), random.random(30)
    words, states = distances({"words": (held_out, judged), "states": same})
    assert (words.measure, words.held_out, words.judged) == ("words", held_out.mean(), judged.mean())
    theirs = permutation_test(
        (judged, held_out), lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis), vectorized=True,
        alternative="greater", rng=np.random.default_rng(1),
    ).pvalue  # fmt: skip
    assert words.p_value == pytest.approx(theirs, abs=0.01)
    assert words.p_adjusted == pytest.approx(min(1, 2 * words.p_value))
    assert not states.real


def zipf(count: int, random: np.random.Generator, offset: int = 0) -> list[Example]:
    """Rows of words of which many are rare."""
    lengths = random.integers(5, 20, size=count)
    return [Example({"text": " ".join(f"w{w + offset}" for w in random.zipf(1.4, size=n))}, "a", "r") for n in lengths]


def p_value(train: list[Example], judged: list[Example]) -> float:
    rows = drawn(train, judged, most_known=500, most=200)
    assert rows is not None
    found = unknown_words(rows.known, [*rows.held_out, *rows.judged], "en")
    [distance] = distances({"words": (found[: len(rows.held_out)], found[len(rows.held_out) :])})
    return distance.p_value


def test_rows_like_train_are_called_otherwise_as_often_as_is_said() -> None:
    random = np.random.default_rng(4)
    found = np.array([p_value(zipf(100, random), zipf(40, random)) for _ in range(60)])
    assert (found < 0.05).sum() <= 8
    assert 0.3 < found.mean() < 0.7


def test_other_words_are_found() -> None:
    random = np.random.default_rng(5)
    assert p_value(zipf(200, random), zipf(50, random, offset=1_000_000)) < 0.001
