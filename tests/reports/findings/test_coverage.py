"""What is said of answers that are given only where they are sure, and how it is drawn."""

from __future__ import annotations

import re
from dataclasses import replace

from made_reports import made_scores, of_labels, report, two_classes

from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.scores.selective import Answered
from trimtab.reports.charts.run import LEFT, RIGHT, WIDTH, coverage_chart
from trimtab.reports.findings.choose import findings_of
from trimtab.reports.findings.coverage import answered_sentence, coverage_of
from trimtab.reports.page import render_page
from trimtab.reports.run_report import RunReport

GIVEN = Answered(0.95, 0.8312, 400, 328, 0.82, Interval(0.78, 0.855), 0.951, Interval(0.922, 0.969))
SAID = (
    "It answers 82.0% of the rows (95%: 78.0 to 85.5), and leaves 72 of 400 unanswered, as it is less than 83.1% sure "
    "of them. Of its answers 95.1% are right (95%: 92.2 to 96.9)"
)


def of(given: Answered | None) -> RunReport:
    scores = replace(made_scores(["negative", "positive"], 400, 2.0, ["x"]), answered=given)
    return report(scores, scored=of_labels(scores))


def test_how_much_is_answered_and_right() -> None:
    assert answered_sentence(GIVEN) == f"{SAID}; 95.0% are wanted."
    assert answered_sentence(replace(GIVEN, wanted=None)) == f"{SAID}."
    nothing = replace(GIVEN, answer_from=2.0, answered=0, coverage=0.0, accuracy=None, accuracy_interval=None)
    assert answered_sentence(nothing) == (
        "It answers nothing: dev did not show from which probability on 95.0% of answers are right. "
        "Give dev more rows, or want less."
    )
    assert answered_sentence(replace(nothing, answer_from=0.9, coverage_interval=Interval(0, 0.009))) == (
        "It answers 0.0% of the rows (95%: 0.0 to 0.9), and leaves 400 of 400 unanswered, as it is less than 90.0% "
        "sure of them."
    )


def test_it_stands_beneath_the_headline_and_no_label_is_always_given() -> None:
    findings = findings_of(of(GIVEN).scored)
    assert findings.told() == [f"{SAID}; 95.0% are wanted. All other figures count every row, answered or not."]
    assert findings.always() == ""
    page = render_page(of(GIVEN))
    assert f'<p class="verdict">{findings.told()[0]}</p>' in page
    assert "The dashed line is what may be wrong." in page


def test_of_a_run_that_answers_all_rows_it_says_what_the_surest_half_would_be() -> None:
    made = of(None)
    findings = findings_of(made.scored)
    assert (findings.told(), findings.always()) == ([], "It always gives one of its 2 labels, even where none fits.")
    scores = made.scored.test
    shown = coverage_of(scores)
    assert shown is not None
    [half] = [one for one in scores.selective.covered if one.coverage == 0.5]
    assert shown.sentence.startswith(
        "It answers every row. Answering the surest 50.0% alone, it would be right on "
        f"{100 * half.accuracy:.1f}% of them (95%: "
    )
    assert shown.table[0][:2] == ("100.0%", "400")
    assert (shown.chosen, shown.most) == (None, None)
    assert "The dashed line" not in render_page(made)


def test_a_report_of_an_older_version_has_no_such_section() -> None:
    scores = replace(made_scores(["negative", "positive"], 40, 2.0, ["x"]), selective=None)
    assert coverage_of(scores) is None
    assert "Answering only where it is sure" not in render_page(report(scores))
    assert "Answering only where it is sure" in render_page(two_classes())


def test_the_curve_ends_at_the_right_and_the_choice_lies_on_it() -> None:
    svg = coverage_chart("Wrong", [(0.25, 0.0), (0.5, 0.02), (1.0, 0.08)], (0.5, 0.02), 0.05)
    [path] = re.findall(r'class="line strong"><path d="M([^"]+)"', svg)
    points = [tuple(map(float, point.split())) for point in path.split("L")]
    assert points[-1][0] == WIDTH - RIGHT
    assert points[0][0] == LEFT + (WIDTH - RIGHT - LEFT) / 4
    assert points[0][1] > points[1][1] > points[2][1]
    assert f'cx="{points[1][0]:.1f}" cy="{points[1][1]:.1f}"' in svg
    assert "50.0% answered, 2.0% of these wrong" in svg
    assert 'class="ideal"' in svg
    assert 'class="ideal"' not in coverage_chart("Wrong", [(1.0, 0.0)], None, None)
