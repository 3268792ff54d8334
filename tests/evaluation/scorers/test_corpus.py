"""Metrics over all rows in a comparison: against SciPy, by what is better, and in time."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from made_answers import garbled, spoilt, tagged, written
from scipy.stats import bootstrap

from trimtab.evaluation.scorers.tags import tag_scorer
from trimtab.evaluation.scorers.texts import text_scorer
from trimtab.reports.figures import Cell, Measured, as_answers, compare, disagreements


def f1_of(right: Any, found: Any, there: Any) -> float:
    return float(2 * right.sum() / (found.sum() + there.sum()))


def test_intervals_are_scipys_bootstrap() -> None:
    examples = tagged(200)
    scorer = tag_scorer(examples)
    given = [as_answers(spoilt(examples, share, seed)) for share, seed in ((0.3, 1), (0.5, 2))]
    one, other = map(scorer.rows, given)
    how: dict[str, Any] = {"paired": True, "vectorized": False, "n_resamples": 1999, "method": "percentile"}
    theirs = bootstrap(tuple(one.T), f1_of, rng=np.random.default_rng(0), **how).confidence_interval
    ours = scorer.interval(one[None], 0)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.12 * (theirs.high - theirs.low))
    theirs = bootstrap(
        (*one.T, *other.T), lambda *s: f1_of(*s[:3]) - f1_of(*s[3:]), rng=np.random.default_rng(0), **how
    ).confidence_interval
    ways = [Measured("a", "a", "tuned", [Cell(0, given[0])]), Measured("b", "b", "tuned", [Cell(0, given[1])])]
    found = compare(ways, scorer, "b").ways[0].difference
    assert found is not None
    ours = found.interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.12 * (theirs.high - theirs.low))
    assert (found.p_value, found.test) == (pytest.approx(1e-4), "randomisation")


def test_a_metric_that_is_better_when_lower_ranks_the_lower_first() -> None:
    examples = written(40)
    scorer = text_scorer(examples, ["empty", "chrF"], "en")
    texts = {"few": garbled(examples, 0.2, 1), "many": garbled(examples, 0.2, 2)}
    texts["few"][:3], texts["many"][:20] = [""] * 3, [""] * 20
    measured = [Measured(key, key, "tuned", [Cell(0, as_answers(given))]) for key, given in texts.items()]
    made = compare(measured, scorer, "many")
    ways, against_best = made.ways, made.against_best
    assert [(way.key, way.score) for way in ways] == [("few", 3 / 40), ("many", 0.5)]
    assert ways[0].difference is not None
    assert ways[0].difference.points == pytest.approx(3 / 40 - 0.5)
    assert against_best["many"].p_adjusted < 0.001


def test_rows_whose_scores_are_furthest_apart_come_first() -> None:
    examples = written(6)
    scorer = text_scorer(examples, ["chrF"], "en")
    right, other = [e.answer or "" for e in examples], [e.answer or "" for e in examples]
    other[4], other[2] = "", f"{other[2]} sea"
    measured = [
        Measured(key, key, "tuned", [Cell(0, as_answers(given))]) for key, given in (("a", right), ("b", other))
    ]
    found = disagreements(measured, examples, scorer, "a")
    assert [row.where for row in found] == ["w:4", "w:2"]
    assert found[0].answers == {"a": right[4], "b": "(nothing)"}
    assert found[0].scores == {"a": pytest.approx(1), "b": 0}


def test_ten_ways_on_two_thousand_rows_take_seconds() -> None:
    """The tests and intervals alone: counting n-grams takes the time that sacrebleu takes."""
    examples = written(2000)
    scorer = text_scorer(examples, ["BLEU"], "en")
    measured = [
        Measured(str(i), str(i), "tuned", [Cell(0, as_answers(garbled(examples, 0.2 + 0.02 * i, i)))])
        for i in range(10)
    ]
    for way in measured:
        way.rows(scorer)
    began = time.process_time()
    ways = compare(measured, scorer, "3").ways
    assert [way.key for way in ways] == [str(i) for i in range(10)]
    assert time.process_time() - began < 30
