"""Exact match by hand; what the rules leave out, case by case, is in `test_token_f1.py`."""

from __future__ import annotations

from trimtab.evaluation.metrics.exact_match import exact_match


def test_any_reference_counts_and_the_signature_names_the_rules() -> None:
    found = exact_match(["北京", "天津"], [["上海", "北京。"], ["天津市"]], chinese=True)
    assert (found.value, found.signature) == (0.5, "rules:cmrc2018")
    assert found.per_row is not None
    assert found.per_row.tolist() == [1, 0]
    english = exact_match(["The end"], [["start", "end."]], chinese=False)
    assert (english.value, english.signature) == (1, "rules:squad-v1.1")


def test_what_it_says_it_leaves_out_is_what_it_leaves_out() -> None:
    assert exact_match(["the end"], [["end"]], chinese=True).value == 0
    assert exact_match(["x"], [["x"]], chinese=True).metric.what.endswith("but for case and punctuation")
    assert exact_match(["x"], [["x"]], chinese=False).metric.what.endswith("but for case and punctuation and articles")
