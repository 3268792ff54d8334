"""What is said of parts of the rows, on the page and in a sentence."""

from __future__ import annotations

from made_reports import HOSTILE, two_classes

from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.metrics.metric import Metric
from trimtab.evaluation.slices.sliced import Slice, Sliced, SlicesBy
from trimtab.reports.findings.slices import slice_tables, slices_sentence, worse_sentence
from trimtab.reports.page import render_page
from trimtab.reports.run_report import RunReport

ACCURACY = Metric("accuracy")


def part(name: str, p: float | None, score: float = 0.5) -> Slice:
    return Slice(name, 1_234, score, Interval(0.4, 0.6), 0.875, p, p)


def of(*divided: SlicesBy, metric: Metric = ACCURACY) -> Sliced:
    tested = sum(own.p_value is not None for by in divided for own in by.slices)
    return Sliced(metric, tested, list(divided))


def by_length(*p: float | None) -> SlicesBy:
    return SlicesBy("length", "", [part(f"{i} to {i + 8} characters", own) for i, own in enumerate(p)])


def test_nothing_is_said_where_there_are_no_parts() -> None:
    assert [slices_sentence(found) for found in (None, of())] == ["", ""]
    assert slice_tables(None) == []


def test_no_part_is_worse() -> None:
    for found, one in ((of(by_length(0.05, 0.9)), "all 2 parts that were tested"),
                       (of(by_length(0.3, None)), "the one part that was tested")):  # fmt: skip
        said = f"No part is worse than the rest by more than chance explains, of {one}."
        assert (slices_sentence(found), worse_sentence(found)) == (said, "")
    assert slices_sentence(of(by_length(None, None))) == (
        "No part has 10 rows, or leaves as many: none could be tested against the rest."
    )


def test_the_surest_of_the_worse_are_named_first() -> None:
    columns = SlicesBy("column", "source", [part("web", 0.0003), part("", 0.04), part("mail", 1.0)])
    found = of(by_length(0.01, 0.2), SlicesBy("answer", "right label", [part("good", 0.02, 0.251)]), columns)
    assert (
        slices_sentence(found)
        == worse_sentence(found)
        == (
            "Really worse than the rest: source “web” (50.0%, the rest 87.5%; p < 0.001), "
            "inputs of 0 to 8 characters (50.0%, the rest 87.5%; p = 0.010), "
            "right label “good” (25.1%, the rest 87.5%; p = 0.020) and 1 more. "
            "The p-values allow for all 6 parts that were tested."
        )
    )


def test_errors_are_told_in_their_own_unit() -> None:
    found = of(by_length(0.001, 1.0), metric=Metric("RMSE", unit="own", higher_is_better=False))
    assert slices_sentence(found) == (
        "Really worse than the rest: inputs of 0 to 8 characters (0.5, the rest 0.875; p = 0.001). "
        "The p-values allow for all 2 parts that were tested."
    )
    assert slice_tables(found)[0].rows[0].interval == "0.4 to 0.6"


def test_the_page_shows_every_part_and_marks_the_worse() -> None:
    columns = SlicesBy("column", HOSTILE, [part(HOSTILE, 0.0003), part("", 0.4)])
    many = SlicesBy("answer", "right label", [part(f"label {i}", None) for i in range(13)])
    report = two_classes().model_copy(update={"slices": of(by_length(0.5, 0.6), many, columns)})
    page = render_page(report)
    assert "<script>" not in page
    assert '<tr class="worse"><th scope="row"><bdi>&lt;script&gt;' in page
    assert '<th scope="row">(empty)</th><td>1,234</td><td>50.0 <small>40.0 to 60.0</small></td><td>0.400</td>' in page
    assert "<summary>Right label: 13 parts</summary>" in page
    assert "Accuracy, %" in page
    assert RunReport.model_validate_json(report.model_dump_json()) == report


def test_a_report_without_parts_has_no_section() -> None:
    assert "Part by part" not in render_page(two_classes())
