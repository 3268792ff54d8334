"""What a report on numbers says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_reports import HOSTILE, numbers, rows, scored

from trimtab.evaluation.scores.numbers import score_numbers
from trimtab.reports.card import render_card
from trimtab.reports.files import read_report, write_report
from trimtab.reports.findings.choose import findings_of
from trimtab.reports.page import render_page
from trimtab.reports.scored import NumberReport


def test_the_report_on_numbers(tmp_path: Path) -> None:
    made = numbers()
    write_report(tmp_path, made)
    assert read_report(tmp_path / "report.json") == made
    stored = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert stored["scored"]["baselines"][0]["pearson"] is None
    page, card = ((tmp_path / name).read_text("utf-8") for name in ("report.html", "card.md"))
    error = f"{made.scored.test.rmse:.4g}"
    assert f"<strong>{error}</strong> root mean squared error on 300 test rows" in page
    assert page.count("<circle") >= 300
    assert "What it confuses" not in page
    assert "Accuracy" not in page
    assert HOSTILE not in page
    share = round(100 * (1.4 - made.scored.test.rmse) / 1.4)
    verdict = f"{share}% less error than ridge regression, the best of the baselines"
    assert verdict in page
    assert verdict in card
    assert f"| root mean squared error | {error} |" in card
    assert "Gives a number to texts" in card
    assert "labels" not in card


def test_reports_without_scores_or_baselines() -> None:
    empty = numbers(NumberReport())
    assert "Tuned, not yet scored." in render_page(empty)
    assert "Not scored." in render_card(empty)
    alone = numbers(NumberReport(dev=scored(20)))
    assert "root mean squared error on 20 dev rows" in render_page(alone)
    assert "There is no test set." in render_card(alone)


def test_constant_predictions_have_a_report_without_correlations() -> None:
    constant = numbers(NumberReport(test=score_numbers(rows(np.array([1.0, 2.0, 4.0])), np.full(3, 2.0))))
    page, card = render_page(constant), render_card(constant)
    assert "<dt>Pearson correlation</dt><dd>– <small></small></dd>" in page
    assert "<p>Pearson correlation –, Spearman –.</p>" in page
    assert "| Pearson correlation | – | |" in card
    assert "hangs together with what is right only loosely" in card


@pytest.mark.parametrize(
    ("rmse", "p_value", "sentence", "limit"),
    [
        (2.0, 1e-9, "{less}% less error than ridge regression (p < 0.001, paired permutation test).", None),
        (2.0, None, "{less}% less error than ridge regression.", None),
        (0.5, 1e-9, "{more}% more error than ridge regression (p < 0.001, paired permutation test).",
         "Ridge regression (error 0.5) does better."),
        (2.0, 0.31, "No clear difference from ridge regression (its error is 2, ours below it; p = 0.31): chance could "
         "explain it.", "Ridge regression (error 2) does about as well."),
    ],
)  # fmt: skip
def test_the_verdict_follows_the_test(rmse: float, p_value: float | None, sentence: str, limit: str | None) -> None:
    part = numbers().scored
    other = part.baselines[1].model_copy(update={"rmse": rmse, "p_value": p_value})
    found = findings_of(part.model_copy(update={"baselines": [other]}))
    apart = round(100 * abs(rmse - part.test.rmse) / rmse)  # type: ignore[union-attr]
    assert found.verdict() == sentence.format(less=apart, more=apart)
    assert [s for s in found.limits() if s.startswith("Ridge")] == ([limit] if limit else [])
