"""From answers to the figures of a comparison: means over seeds, learning curves, rows that ways disagree on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trimtab.data import Example
from trimtab.evaluation.interval.groups import each_alone
from trimtab.evaluation.scorers.accuracy import Accuracy
from trimtab.reports.figures import RIVALS, Cell, Measured, as_answers, compare, curve_lines, disagreements

RIGHT = np.arange(20) % 2
NAMES = ("bad", "good")
SCORER = Accuracy(RIGHT, [NAMES] * 20, 2, each_alone(20))
EXAMPLES = [Example({"text": f"text {i}"}, NAMES[i % 2], f"t:{i}") for i in range(20)]


def wrong_at(*places: int) -> np.ndarray:
    answers = RIGHT.copy()
    answers[list(places)] = 1 - answers[list(places)]
    return answers


def way(key: str, *wrong: tuple[int, ...], **given: float) -> Measured:
    cells = [Cell(seed, wrong_at(*places), **given) for seed, places in enumerate(wrong)]
    return Measured(key, key, "tuned", cells, by_seed=len(wrong) > 1)


def test_figures_of_several_seeds_are_means_and_memory_the_most() -> None:
    one = way("one", (0,), (0, 1, 2), train_seconds=10.0, latency_seconds=0.5)
    one.cells[1] = replace(one.cells[1], train_seconds=20.0, latency_seconds=None, peak_memory_bytes=7)
    found = compare([one, way("two", (5, 6, 7, 8))], SCORER, "two", price_an_hour=36.0)
    assert [made.key for made in found.ways] == ["one", "two"]
    first, second = found.ways
    assert first.scores == [0.95, 0.85]
    assert first.score == pytest.approx(0.9)
    assert (first.train_seconds, first.latency_seconds, first.peak_memory_bytes) == (15.0, 0.5, 7)
    assert first.cost == pytest.approx(0.15)
    assert (second.difference, second.dev_score, second.peak_memory_bytes) == (None, None, None)
    assert first.difference is not None
    assert first.difference.points == pytest.approx(0.1)
    assert found.against_best["two"].points == pytest.approx(-0.1)


def test_without_a_price_there_is_no_cost_and_without_rivals_no_luck() -> None:
    found = compare([way("one", (0,))], SCORER, "one")
    assert (found.ways[0].cost, found.luck, found.against_best) == (None, None, {})


def test_a_curve_is_a_line_a_way_from_few_rows_to_many() -> None:
    points = [(way("one", (0,)), 64), (way("two", (1,)), 64), (way("one", (0, 1, 2, 3)), 8)]
    lines = {line.key: [(rows, score) for rows, score, _ in line.points] for line in curve_lines(points, SCORER)}
    assert lines == {"one": [(8, 0.8), (64, 0.95)], "two": [(64, 0.95)]}


def test_rows_are_shown_that_the_reference_and_its_best_rivals_differ_on() -> None:
    ways = [way(f"w{n}", tuple(range(n + 1))) for n in range(RIVALS + 2)]  # the worst last
    shown = disagreements(ways, EXAMPLES, SCORER, "w0")
    # All of them are wrong on row 0; w5, the worst, is left out, so that row 5 is none that they differ on.
    assert {row.where for row in shown} == {"t:1", "t:2", "t:3", "t:4"}
    assert all(set(row.answers) == {"w0", "w1", "w2", "w3", "w4"} for row in shown)
    [row] = [row for row in shown if row.where == "t:4"]
    assert (row.answer, row.answers["w4"], row.answers["w0"]) == ("bad", "good", "bad")


def test_answers_keep_their_shape() -> None:
    assert as_answers([1, 0]).dtype.kind == "i"
    assert list(as_answers(["a", "b"])) == ["a", "b"]
    assert list(as_answers([["O", "B-x"], ["O"]])) == [("O", "B-x"), ("O",)]
