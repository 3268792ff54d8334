"""Answers in contexts counted."""

from __future__ import annotations

from trimtab.data.counts.answers import NoAnswers
from trimtab.data.counts.spans import count_spans
from trimtab.data.example import SpanExample


def test_rows_answers_and_contexts() -> None:
    rows = [
        SpanExample({}, "b c", "r:1", context="a b c", references=("b c", "c"), spans=((2, 5), (4, 5))),
        SpanExample({}, "a", "r:2", context="a b c d", references=("a",), spans=((0, 1),)),
        SpanExample({}, "z", "r:3", context="a", references=("z",)),
        SpanExample({}, "", "r:4", context="a b c"),
        SpanExample({}, None, "r:5", context="a b c d e f g"),
    ]
    counts = count_spans(rows, None)
    assert counts.to_dict()["spans"] == {
        "answered": 3, "without": 1, "several": 1, "astray": 1, "astray_where": "r:3", "tokens": (1, 1, 2),
        "context": (5, 7),
    }  # fmt: skip
    assert counts.in_words() == (
        "3 rows with an answer, 1 of them with several, 1 without; answers of 1 to 2 tokens, median 1; contexts of up "
        "to 7 characters, median 5"
    )
    assert (counts.table(5), counts.conflict, counts.balance(), counts.known, counts.warnings(None)) == (
        [], None, [], None, [],
    )  # fmt: skip
    assert isinstance(count_spans(rows[4:], None), NoAnswers)
