"""What is said of rows whose answers do not stand where they should, and which rows are one."""

from __future__ import annotations

import pytest

from trimtab.data.example import SpanExample
from trimtab.data.records import Record
from trimtab.data.spans.answers import read_spans
from trimtab.data.spans.checks import check_spans, longest_answer, merged, place_notes
from trimtab.errors import DataError


def example(answer: str | None, where: str = "r:1", context: str = "a b c", question: str = "q") -> SpanExample:
    fields = {"question": question, "context": context}
    if not answer:
        return SpanExample(fields, answer, where, context=context)
    at = context.find(answer)
    spans = ((at, at + len(answer)),) if at >= 0 else ()
    return SpanExample(fields, answer, where, context=context, references=(answer,), spans=spans)


def test_notes_count_and_name_the_first() -> None:
    rows = [{"answer": "b"}, {"answer": "b", "answer_start": 9}, {"answer": "B"}, {"answer": "z"}, {"answers": []}, {}]
    read = [read_spans(Record(row, f"r:{i}"), "answers", "answer_start", "a b c") for i, row in enumerate(rows, 1)]
    assert place_notes([(f"r:{i}", own) for i, own in enumerate(read, 1)]) == [
        "in 1 of 6 rows (r:2) an answer does not stand where its start says; it is read at the nearest place where it "
        "does",
        "in 1 of 6 rows (r:3) an answer stands in the context with other case, width, marks or white space; it is read "
        "there",
        "in 1 of 6 rows (r:4) no answer stands in the context; such rows are not trained on, and are scored by their "
        "words",
    ]  # fmt: skip
    assert place_notes([("r:1", read[0])]) == []


def test_rows_of_which_nothing_can_be_learnt() -> None:
    check_spans([example("b"), example("z"), example("")], "train", "answers")
    with pytest.raises(DataError) as caught:
        check_spans([example(""), example("")], "t.jsonl", "answers")
    assert str(caught.value) == (
        "t.jsonl: no row has an answer. Add rows with answers, or set data.label (now 'answers')."
    )
    with pytest.raises(DataError) as caught:
        check_spans([example("b"), example("y", "r:2"), example("z", "r:3"), example("")], "t.jsonl", "answers")
    assert str(caught.value) == (
        "r:2: the answer 'y' does not stand in the context (2 of 3 rows). Set answer.context to the field that answers "
        "stand in, or data.label (now 'answers') to the column of the answers; where answers are in other words than "
        "the context's, set answer to text."
    )


def test_the_longest_answer_and_rows_that_are_one() -> None:
    rows = [example("b"), example("b c"), example("z z z"), example("")]
    assert longest_answer(rows) == 2
    assert longest_answer(rows[2:]) is None
    [one, other] = merged([*rows, example("a", question="other")])
    assert (one.answer, one.references, one.spans) == ("b", ("b", "b c", "z z z"), ((2, 3), (2, 5)))
    assert other.references == ("a",)
    alone = [example("b"), example("b", context="b")]
    assert merged(alone) is alone
