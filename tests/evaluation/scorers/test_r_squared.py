"""Numbers scored by R squared: against scikit-learn, SciPy and by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import r2_score, root_mean_squared_error

from trimtab.data.example import NumberExample
from trimtab.evaluation.chance.permutation import paired_permutation_test
from trimtab.evaluation.scorers.r_squared import RSquared
from trimtab.evaluation.scores.gold import numbers_of
from trimtab.reports.figures import Cell, Measured, compare, curve_lines, disagreements


def numbers(rows: int, seed: int = 0) -> tuple[list[NumberExample], np.ndarray, np.ndarray, np.ndarray]:
    """Rows with numbers, and the answers of a good way, a fair one and one that is worse than the mean."""
    random = np.random.default_rng(seed)
    right = random.normal(5, 2, rows)
    examples = [
        NumberExample({"text": f"row {i}"}, f"{x}", f"rows.csv:{i + 2}", number=float(x)) for i, x in enumerate(right)
    ]
    good, fair, bad = (right + random.normal(0, noise, rows) for noise in (0.6, 1.2, 4.0))
    return examples, good, fair, bad


def test_numbers_are_scored_by_r_squared() -> None:
    examples, good, fair, bad = numbers(200)
    scorer = RSquared(numbers_of(examples))
    right = np.array([e.number for e in examples])
    for given in (good, fair, bad):
        assert scorer.score(scorer.rows(given)) == pytest.approx(r2_score(right, given))
        assert scorer.beside(given)["RMSE"] == pytest.approx(root_mean_squared_error(right, given))
    assert scorer.score(scorer.rows(bad)) < 0 < scorer.score(scorer.rows(fair)) < scorer.score(scorer.rows(good))


def r_squared(right: np.ndarray, given: np.ndarray) -> float:
    """As scikit-learn has it, without its checks."""
    return 1 - np.square(given - right).mean() / right.var()


@pytest.mark.parametrize("which", [0, 1, 2], ids=["good", "fair", "bad"])
def test_the_interval_of_r_squared_is_scipys_bootstrap(which: int) -> None:
    examples, *ways = numbers(300)
    scorer = RSquared(numbers_of(examples))
    right = np.array([e.number for e in examples])
    theirs = bootstrap(
        (right, ways[which]), r_squared, paired=True, vectorized=False, n_resamples=1999, method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    ours = scorer.interval(scorer.rows(ways[which])[None], 0)
    width = theirs.high - theirs.low
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.12 * width)


def test_the_difference_of_two_ways_is_paired() -> None:
    examples, good, fair, _ = numbers(300)
    scorer = RSquared(numbers_of(examples))
    right = np.array([e.number for e in examples])
    theirs = bootstrap(
        (right, good, fair), lambda y, a, b: r_squared(y, a) - r_squared(y, b), paired=True, vectorized=False,
        n_resamples=1999, method="percentile", rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    one, two = Measured("a", "a", "tuned", [Cell(0, good)]), Measured("b", "b", "tuned", [Cell(0, fair)])
    found = compare([one, two], scorer, "b").ways[0].difference
    assert found is not None
    width = theirs.high - theirs.low
    assert (found.interval.low, found.interval.high) == pytest.approx((theirs.low, theirs.high), abs=0.12 * width)
    by_hand = paired_permutation_test((good - right) ** 2, (fair - right) ** 2)
    assert (found.test, found.p_value) == ("permutation", pytest.approx(by_hand))
    twice = replace(one, cells=[Cell(0, good), Cell(1, good)])
    several = compare([twice, two], scorer, "b").ways[0].difference
    assert several is not None
    assert several.interval == found.interval  # seeds that agree add nothing
    assert several.test == "sign flips over rows and seeds"


def test_seeds_that_differ_widen_the_interval() -> None:
    examples, good, fair, _ = numbers(300)
    scorer = RSquared(numbers_of(examples))
    one, other = scorer.rows(good), scorer.rows(fair)
    alone, both = scorer.interval(one[None], 0), scorer.interval(np.stack([one, other]), 0)
    assert both.high - both.low > 2 * (alone.high - alone.low)


@pytest.mark.parametrize(("given", "score"), [([3.0, 3.0], 1.0), ([3.0, 4.0], 0.0)])
def test_numbers_that_are_all_the_same_have_no_variance_to_explain(given: list[float], score: float) -> None:
    scorer = RSquared(np.array([3.0, 3.0]))
    rows = scorer.rows(np.array(given))
    assert scorer.score(rows) == score
    assert scorer.interval(rows[None], 0).low == score
    ways = [Measured(key, key, "tuned", [Cell(0, np.array(given))]) for key in "ab"]
    [found] = [way.difference for way in compare(ways, scorer, "b").ways if way.difference]
    assert (found.points, found.p_adjusted) == (0.0, 1.0)


def test_a_way_with_smaller_errors_comes_first_and_its_difference_is_a_gain() -> None:
    examples, good, fair, bad = numbers(200)
    scorer = RSquared(numbers_of(examples))
    measured = [Measured(key, key, "baseline", [Cell(0, given)]) for key, given in
                (("bad", bad), ("fair", fair), ("good", good))]  # fmt: skip
    made = compare(measured, scorer, "fair")
    ways, against_best = made.ways, made.against_best
    assert [way.key for way in ways] == ["good", "fair", "bad"]
    assert [way.mean("RMSE") for way in ways] == sorted(way.mean("RMSE") for way in ways)
    gains = {way.key: way.difference.points for way in ways if way.difference}
    assert gains["bad"] < 0 < gains["good"]
    p_values = {key: difference.p_adjusted for key, difference in against_best.items()}
    assert p_values == {"fair": pytest.approx(1e-4), "bad": pytest.approx(1e-4)}
    assert all(list(way.beside) == ["RMSE"] for way in ways)
    [line, *_] = curve_lines([(measured[2], 8), (measured[2], 64)], scorer)
    assert [share for _, share, _ in line.points] == [ways[0].score] * 2


def test_rows_on_which_numbers_lie_furthest_apart_come_first() -> None:
    examples, good, *_ = numbers(5)
    scorer = RSquared(numbers_of(examples))
    other = good.copy()
    other[[1, 3]] += (0.5, -7)
    measured = [Measured("a", "a", "tuned", [Cell(0, good)]), Measured("b", "b", "tuned", [Cell(0, other)])]
    found = disagreements(measured, examples, scorer, "a")
    assert [row.where for row in found] == ["rows.csv:5", "rows.csv:3"]
    assert found[0].answer == f"{examples[3].number:.4g}"
    assert found[0].answers == {"a": f"{good[3]:.4g}", "b": f"{other[3]:.4g}"}
