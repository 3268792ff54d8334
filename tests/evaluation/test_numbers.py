"""Scores of numbers against SciPy and scikit-learn, baselines, the permutation test, and the report on numbers."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import reports
from scipy import stats
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from trimtab.data import Example
from trimtab.errors import TrimtabError
from trimtab.evaluation.chance.tests import paired_permutation_test
from trimtab.evaluation.scores.numbers import mean_number, ridge, score_numbers
from trimtab.reports.files import read_report, write_report
from trimtab.reports.run_report import NumberReport

ENGLISH, CHINESE = ("bad", "fair", "good", "great"), ("很差", "一般", "不错", "很好")


def test_scores_are_those_of_scipy_and_scikit_learn() -> None:
    right, predicted = reports.noisy()
    scores = score_numbers(reports.rows(right), predicted)
    assert scores.rows == 80
    assert scores.pearson == pytest.approx(stats.pearsonr(right, predicted).statistic)
    assert scores.spearman == pytest.approx(stats.spearmanr(right, predicted).statistic)
    assert scores.rmse == pytest.approx(root_mean_squared_error(right, predicted))
    assert scores.mae == pytest.approx(mean_absolute_error(right, predicted))
    assert scores.points == list(zip(right, predicted, strict=True))
    worst = int(np.abs(right - predicted).argmax())
    assert (scores.mistakes[0].where, scores.mistakes[0].predicted) == (f"rows.jsonl:{worst + 1}", predicted[worst])


def test_intervals_are_those_of_scipys_bootstrap() -> None:
    right, predicted = reports.noisy(200)
    scores = score_numbers(reports.rows(right), predicted)
    for name, statistic in {
        "pearson": lambda a, b: stats.pearsonr(a, b).statistic,
        "rmse": root_mean_squared_error,
    }.items():
        found = stats.bootstrap(
            (right, predicted), statistic, paired=True, vectorized=False, method="percentile", n_resamples=1000,
            rng=np.random.default_rng(1),
        ).confidence_interval  # fmt: skip
        wide = found.high - found.low
        assert scores.intervals[name].low == pytest.approx(found.low, abs=0.15 * wide)
        assert scores.intervals[name].high == pytest.approx(found.high, abs=0.15 * wide)


def test_constant_predictions_have_no_correlation() -> None:
    scores = score_numbers(reports.rows(np.array([1.0, 2.0, 4.0])), np.full(3, 2.0))
    assert (scores.pearson, scores.spearman, set(scores.intervals)) == (None, None, {"rmse", "mae"})


def test_many_rows_show_a_sample_of_points() -> None:
    right, predicted = reports.noisy(1200)
    scores = score_numbers(reports.rows(right), predicted, worst=3)
    assert (len(scores.points), len(scores.mistakes)) == (500, 3)
    assert set(scores.points) <= set(zip(right, predicted, strict=True))


def test_what_cannot_be_scored() -> None:
    with pytest.raises(TrimtabError) as caught:
        score_numbers([Example({"text": "x"}, None, "rows.jsonl:7")], np.zeros(1))
    assert str(caught.value) == "rows.jsonl:7: this row has no number. Scoring needs rows with answers."
    with pytest.raises(TrimtabError) as caught:
        score_numbers(reports.rows(np.array([1.0, 2.0])), np.array([1.0, np.nan]))
    assert str(caught.value) == (
        "rows.jsonl:2: the number predicted for this row is not finite. If training has diverged, lower `train.rate`."
    )
    with pytest.raises(TrimtabError) as caught:
        score_numbers([], np.zeros(0))
    assert str(caught.value) == "There are no examples to score. Check that the data file has rows."


@pytest.mark.parametrize(("words", "shape"), [(ENGLISH, "the film is {} today"), (CHINESE, "这部电影{}啊")])
def test_ridge_learns_what_words_are_worth(words: tuple[str, ...], shape: str) -> None:
    numbers = np.arange(80) % 4 + 1.0
    texts = [shape.format(words[int(number) - 1]) for number in numbers]
    examples = reports.rows(numbers, texts)
    assert ridge(examples, examples[:4]) == pytest.approx([1, 2, 3, 4], abs=0.2)
    assert mean_number(examples, examples[:3]).tolist() == [2.5, 2.5, 2.5]
    blank = reports.rows(np.array([1.0, 3.0]), ["", " "])
    assert ridge(blank, blank).tolist() == [2.0, 2.0]


def test_the_permutation_test_counts_all_signs() -> None:
    random = np.random.default_rng(3)
    one, other = random.random(10) + 0.3, random.random(10)
    difference = one - other
    sums = [abs(np.array(signs) @ difference) for signs in itertools.product((-1, 1), repeat=10)]
    exact = np.mean(np.array(sums) >= abs(difference.sum()) - 1e-12)
    assert paired_permutation_test(one, other) == pytest.approx(exact, abs=0.01)
    assert paired_permutation_test(one, one) == 1.0


def test_the_report_on_numbers(tmp_path: Path) -> None:
    made = reports.numbers()
    write_report(tmp_path, made)
    assert read_report(tmp_path / "report.json") == made
    stored = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert stored["number"]["baselines"][0]["pearson"] is None
    page, card = ((tmp_path / name).read_text("utf-8") for name in ("report.html", "card.md"))
    error = f"{made.number.test.rmse:.4g}"
    assert f"<strong>{error}</strong> root mean squared error on 300 test rows" in page
    assert page.count("<circle") >= 300
    assert "What it confuses" not in page
    assert "Accuracy" not in page
    assert reports.HOSTILE not in page
    share = round(100 * (1.4 - made.number.test.rmse) / 1.4)
    verdict = f"{share}% less error than ridge regression, the best of the baselines"
    assert verdict in page
    assert verdict in card
    assert f"| root mean squared error | {error} |" in card
    assert "Gives a number to texts" in card
    assert "labels" not in card


def test_reports_without_scores_or_baselines() -> None:
    from trimtab.reports.page import render_card, render_page

    empty = reports.numbers(number=NumberReport())
    assert "Tuned, not yet scored." in render_page(empty)
    assert "Not scored." in render_card(empty)
    alone = reports.numbers(number=NumberReport(dev=reports.scored(20)))
    assert "root mean squared error on 20 dev rows" in render_page(alone)
    assert "There is no test set." in render_card(alone)
