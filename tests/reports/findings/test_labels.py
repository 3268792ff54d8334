"""Sentences follow from the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from made_reports import of_labels, report, two_classes

from trimtab.data.example import Example
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.scores.labels import LabelScores, score_labels
from trimtab.reports.findings.choose import findings_of
from trimtab.reports.findings.labels import confidence_sentence, most_confused
from trimtab.reports.findings.limits import limits
from trimtab.reports.run_report import RunFacts, RunReport
from trimtab.reports.scored import LabelBaseline, LabelReport

GENERAL = [
    "Scores hold for texts like those scored: another source, time or style needs its own test.",
    "The texts are English; nothing is known about other languages.",
    "It always gives one of its 3 labels, even where none fits.",
    "The backbone is frozen: whatever bias it has, the prompt inherits.",
]


def scores_of(counts: dict[tuple[str, str], int], sure: float = 0.9) -> LabelScores:
    """LabelScores with these (answer, predicted) counts over the labels a, b, c."""
    labels = ["a", "b", "c"]
    examples, table = [], []
    for (answer, predicted), count in counts.items():
        for _ in range(count):
            examples.append(Example({}, answer, "t:1"))
            row = np.full(3, (1 - sure) / 2)
            row[labels.index(predicted)] = sure
            table.append(row)
    return score_labels(examples, np.array(table), labels)


def said(report: RunReport) -> list[str]:
    return limits(report, findings_of(report.scored))


def plain(scores: LabelScores) -> list[str]:
    return said(report(scores, runs=[], scored=of_labels(scores, baselines=[])))


def with_part(made: RunReport, **changes: object) -> RunReport:
    return made.model_copy(update={"scored": made.scored.model_copy(update=changes)})


def test_scores_without_a_flaw_have_only_the_general_limits() -> None:
    good = {("a", "a"): 900, ("b", "b"): 900, ("c", "c"): 900, ("a", "b"): 100, ("b", "c"): 100, ("c", "a"): 100}
    assert plain(scores_of(good)) == GENERAL


def test_poor_rare_and_absent_labels_are_named() -> None:
    found = plain(scores_of({("a", "a"): 950, ("b", "a"): 24, ("b", "b"): 6}, sure=0.97))
    assert found == [
        "It misses most rows of “b” (finds 20.0%).",
        "No test row has the answer “c”: how well it is found is not known.",
        *GENERAL,
    ]
    found = plain(scores_of({("a", "a"): 950, ("b", "b"): 9, ("c", "c"): 3}, sure=0.97))
    assert "Fewer than 10 test rows have the answer “b” or “c”: read these scores with care." in found


def test_few_rows_and_poor_calibration_are_said() -> None:
    found = plain(scores_of({("a", "a"): 40, ("b", "b"): 40, ("c", "c"): 15, ("c", "a"): 25}))
    assert found[0].startswith("With 120 test rows, accuracy is known to about ±7")
    assert found[1:3] == [
        "It misses most rows of “c” (finds 37.5%).",
        "Its probabilities are off by 10.8 points on average. Do not use them as thresholds as they are.",
    ]


def test_no_mistake_is_no_proof() -> None:
    found = plain(scores_of({("a", "a"): 20, ("b", "b"): 20, ("c", "c"): 20}, sure=0.99))
    assert found[0] == "Not one of 60 rows was wrong; with so many rows, up to 5.0% of new rows may still be."


@pytest.mark.parametrize(
    ("accuracy", "p_value", "sentence", "limit"),
    [
        (0.821, 1e-9, "10.0 points better than zero-shot (p < 0.001, McNemar’s exact test).", None),
        (0.821, 0.0125, "10.0 points better than zero-shot (p = 0.013, McNemar’s exact test).", None),
        (0.821, None, "10.0 points better than zero-shot.", None),
        (0.95, 1e-9, "2.9 points worse than zero-shot (p < 0.001, McNemar’s exact test).",
         "Zero-shot (95.0%) does better."),
        (0.925, 0.31, "No clear difference from zero-shot (0.4 points below it, p = 0.31): chance could explain it.",
         "Zero-shot (92.5%) does about as well."),
        (0.92, 0.8, "No clear difference from zero-shot (0.1 points above it, p = 0.80): chance could explain it.",
         "Zero-shot (92.0%) does about as well."),
        (1677 / 1821, 1.0, "No clear difference from zero-shot: both reach the same (p = 1.00).",
         "Zero-shot (92.1%) does about as well."),
    ],
)  # fmt: skip
def test_the_verdict_follows_the_test(accuracy: float, p_value: float | None, sentence: str, limit: str | None) -> None:
    made = two_classes()
    baseline = LabelBaseline(name="zero-shot", accuracy=accuracy, interval=Interval(0.7, 0.9), p_value=p_value)
    runs = [RunFacts(seed=0, dev_score=0.9, kept=True)]
    made = with_part(made.model_copy(update={"runs": runs}), baselines=[baseline])
    assert findings_of(made.scored).verdict() == sentence
    assert [s for s in said(made) if s.startswith("Zero-shot")] == ([limit] if limit else [])


def test_without_baselines_or_scores_there_is_no_verdict() -> None:
    assert findings_of(with_part(two_classes(), baselines=[]).scored).verdict() == ""
    assert findings_of(LabelReport()).verdict() == ""
    assert findings_of(LabelReport()).summary() == "Not scored."


def test_majority_is_not_a_rival_unless_alone() -> None:
    made = two_classes()
    alone = with_part(made, baselines=made.scored.baselines[2:])
    assert findings_of(made.scored).summary().endswith("; naive Bayes 82.0%, zero-shot 79.8%.")
    assert findings_of(alone.scored).summary().endswith("; majority 50.1%.")


def test_confidence_against_accuracy() -> None:
    rows = {("a", "a"): 80, ("a", "b"): 20}
    assert confidence_sentence(scores_of(rows, 0.9)) == (
        "On average 90.0% sure and right 80.0% of the time: overconfident by 10.0 points."
    )
    assert confidence_sentence(scores_of(rows, 0.7)) == (
        "On average 70.0% sure and right 80.0% of the time: underconfident by 10.0 points."
    )
    assert confidence_sentence(scores_of(rows, 0.8)) == (
        "On average 80.0% sure and right 80.0% of the time: neither over- nor underconfident overall."
    )


def test_commonest_confusions_by_rows_then_share() -> None:
    counts = {("a", "a"): 96, ("a", "b"): 4, ("b", "b"): 6, ("b", "c"): 4, ("c", "a"): 9}
    assert most_confused(scores_of(counts)) == [("c", "a", 9, 1.0), ("b", "c", 4, 0.4), ("a", "b", 4, 0.04)]
    assert most_confused(scores_of(counts), most=1) == [("c", "a", 9, 1.0)]


def test_a_majority_that_wins_is_not_left_out_of_the_verdict() -> None:
    scores = scores_of({("a", "a"): 50, ("b", "b"): 20, ("b", "c"): 30})
    held = Interval(0.0, 1.0)
    others = [
        LabelBaseline(name="majority", accuracy=0.767, interval=held, p_value=0.12),
        LabelBaseline(name="zero-shot", accuracy=0.69, interval=held, p_value=0.9),
    ]
    found = findings_of(report(scores, scored=of_labels(scores, baselines=others)).scored)
    assert found.verdict() == (
        "No clear difference from majority (6.7 points below it, p = 0.12): chance could explain it."
    )
    assert [other.name for other in found.rivals()] == ["majority", "zero-shot"]
    worse = [others[0].model_copy(update={"accuracy": 0.5}), others[1]]
    found = findings_of(report(scores, scored=of_labels(scores, baselines=worse)).scored)
    assert [other.name for other in found.rivals()] == ["zero-shot"]
