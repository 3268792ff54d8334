"""Texts cut to what can be shown, by hand."""

from __future__ import annotations

from trimtab.evaluation.text.shortening import shortened


def test_long_texts_end_in_an_ellipsis_and_surrogates_are_replaced() -> None:
    assert shortened("x" * 400) == "x" * 400
    assert shortened("x" * 1000) == "x" * 399 + "…"
    assert shortened("y " * 300) == ("y " * 200)[:399].rstrip() + "…"
    assert shortened("half \ud83d emoji") == "half ? emoji"
