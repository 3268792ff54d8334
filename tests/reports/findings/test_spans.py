"""What a report on answers in a context says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from made_reports import HOSTILE, spans

from trimtab.reports.files import read_report, write_report
from trimtab.reports.findings.choose import findings_of
from trimtab.reports.scored import SpanReport


def test_the_report_on_spans(tmp_path: Path) -> None:
    report = spans()
    write_report(tmp_path, report)
    assert read_report(tmp_path / "report.json") == report
    page, card = ((tmp_path / name).read_text(encoding="utf-8") for name in ("report.html", "card.md"))
    scores = report.scored.test
    assert scores is not None
    f1, exact = (f"{100 * value:.1f}%" for value in (scores.f1, scores.exact))  # type: ignore[union-attr]
    assert f"<strong>{f1}</strong> F1 on 40 test rows" in page
    assert "<dt>Exact match</dt>" in page
    assert "by SQuAD’s rules" in page
    assert "10 of the rows have no answer." in page
    assert "at least 41.0% as probable" in page
    assert "F1 on dev" in page
    assert '<mark class="missed">' in page
    assert '<mark class="spurious">' in page
    assert "<em>no answer</em>" in page
    assert HOSTILE not in page
    assert f"| Exact match | {exact} |" in card
    assert "Gives a stretch of the context, or no answer" in card
    assert f"Its answer is exactly right in {exact} of the rows" in card
    assert "paired randomisation test" in card
    assert json.loads((tmp_path / "report.json").read_text())["scored"]["kind"] == "span"


def test_what_the_figures_say() -> None:
    part = spans().scored
    assert isinstance(part, SpanReport)
    assert part.test is not None
    findings, scores = findings_of(part), part.test
    assert [row.name for row in findings.rivals()] == ["words nearby"]
    assert findings.summary() == (
        f"F1 {100 * scores.f1:.1f}% on 40 test rows (95%: {100 * scores.intervals['f1'].low:.1f} to "
        f"{100 * scores.intervals['f1'].high:.1f}), exact match {100 * scores.exact:.1f}%; words nearby 20.0%."
    )
    assert findings.verdict() == (
        f"{100 * (scores.f1 - 0.2):.1f} points of F1 better than words nearby, the best of the baselines (p < 0.001, "
        "paired randomisation test)."
    )
    assert [name for name, *_ in findings.beside()] == [
        "Exact match", "F1 where there is an answer", "Exact match where there is an answer",
        "No answer where there is none",
    ]  # fmt: skip
    assert findings.scored_on() == "40 test rows, 10 of them without an answer"
    assert (
        findings.limits()[-1] == "It gives words of the context and no others, and does not know whether they are true."
    )
    assert [len(row.others) for row in findings.results()] == [len(findings.columns) - 1] * 3
    [table] = findings.tables()
    assert table.rows[-1] == ("words nearby, F1", "20.0%", "10.0 to 30.0")


def test_answers_where_there_are_none_are_warned_of() -> None:
    part = spans().scored
    assert isinstance(part, SpanReport)
    assert part.test is not None
    eager = part.model_copy(update={"test": replace(part.test, without_right=0.4)})
    assert findings_of(eager).limits()[0] == (
        "It answers 60.0% of the questions that the context does not answer: raise answer.threshold where that matters."
    )
    always = part.model_copy(update={"threshold": 0.0})
    assert findings_of(always).given == "a stretch of the context"
    assert findings_of(always).always() == (
        "It gives a stretch of the context even where that does not hold the answer."
    )  # fmt: skip
    assert findings_of(always).limits()[0] == (
        "It always gives an answer: 10 of 40 test rows have none, and no training row that says so was seen."
    )


def test_without_scores_nothing_is_said() -> None:
    findings = findings_of(SpanReport(threshold=0.3))
    assert (findings.summary(), findings.verdict(), findings.limits(), findings.caution()) == (
        "Not scored.",
        "",
        [],
        "",
    )
    assert (findings.headline, findings.results(), findings.tables(), findings.context()) == (None, [], [], {})
    assert (findings.beside(), findings.scored_on(), findings.hub_metrics()) == ([], "", {})
