"""What a report on sets of labels says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_reports import label_sets

from trimtab.reports.files import read_report, write_report
from trimtab.reports.findings.choose import findings_of
from trimtab.reports.scored import MultiLabelReport


def test_the_report_on_sets_of_labels(tmp_path: Path) -> None:
    report = label_sets()
    write_report(tmp_path, report)
    assert read_report(tmp_path / "report.json") == report
    page, card = ((tmp_path / name).read_text(encoding="utf-8") for name in ("report.html", "card.md"))
    scores = report.scored.test
    assert scores is not None
    f1 = f"{100 * scores.micro_f1:.1f}%"
    assert f"<strong>{f1}</strong> micro F1 on 60 test rows" in page
    assert "Label by label" in page
    assert "<td>41.0%</td>" in page
    assert "given, does not fit" in page
    assert "Micro F1 on dev" in page
    assert "<script>" not in page
    for name in ("Macro F1", "Subset accuracy", "Hamming loss"):
        assert f"<dt>{name}</dt>" in page
    assert f"| micro F1 | {f1} |" in card
    assert "| billing | " in card
    assert "Gives any number of 4 labels to texts" in card
    assert (
        f"It finds {100 * scores.micro_recall:.1f}% of the labels, and {100 * scores.micro_precision:.1f}% of" in card
    )
    assert "paired randomisation test" in card
    assert json.loads((tmp_path / "report.json").read_text())["scored"]["kind"] == "multilabel"


def test_what_the_figures_say() -> None:
    report = label_sets()
    findings = findings_of(report.scored)
    assert isinstance(report.scored, MultiLabelReport)
    scores = report.scored.test
    assert scores is not None
    assert [row.name for row in findings.rivals()] == ["naive Bayes"]
    assert findings.summary().endswith("of the rows; naive Bayes 50.0%.")
    assert findings.verdict() == (
        f"{100 * (scores.micro_f1 - 0.5):.1f} points better than naive Bayes, the best of the baselines (p < 0.001, "
        "paired randomisation test)."
    )
    said = findings.limits()
    assert "Fewer than 10 test rows have the label “rare”: read their scores with care." in said
    assert said[-1] == "It says yes or no to each label by itself, and knows no labels but its own."
    assert [len(row.others) for row in findings.results()] == [len(findings.columns) - 1] * 3
    poor = [c if c.label != "billing" else type(c)(c.label, 0.5, 0.2, 0.3, c.support) for c in scores.per_label]
    changed = type(scores)(**{**vars(scores), "per_label": poor})
    worse = report.scored.model_copy(update={"test": changed})
    assert "It misses most rows of “billing” (given to 20.0%)." in findings_of(worse).limits()


@pytest.mark.parametrize("scored", [MultiLabelReport(), MultiLabelReport(thresholds={"a": 0.5, "b": 0.2})])
def test_nothing_scored_says_so(scored: MultiLabelReport) -> None:
    findings = findings_of(scored)
    assert (findings.headline, findings.results(), findings.beside(), findings.tables()) == (None, [], [], [])
    assert (findings.summary(), findings.verdict(), findings.caution()) == ("Not scored.", "", "")
    assert (findings.limits(), findings.hub_metrics(), findings.scored_on(), findings.context()) == ([], {}, "", {})
    assert findings.given == ("any number of 2 labels" if scored.thresholds else "any number of labels")
