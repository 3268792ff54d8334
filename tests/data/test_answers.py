"""Answers other than labels as they stand in records: choices and numbers, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tiny
from trimtab.data import DataReport, Example, Record, load_splits, to_example
from trimtab.data.counts.numbers import NumberCounts
from trimtab.errors import DataError, TaskError
from trimtab.jobs import data
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import ChoiceAnswer, NumberAnswer, TextAnswer
from trimtab.settings.task import DataSettings

HERE = "rows.jsonl:3"
COLUMNS = ChoiceAnswer(options=["one", "two"])
LIST = ChoiceAnswer(options="options")
ROW = {"text": "x", "one": "It rained.", "two": "It snowed.", "label": 1}


def read(values: dict[str, Any], answer: ChoiceAnswer | NumberAnswer, fields: tuple[str, ...] = ("text",)) -> Example:
    record = Record({"text": "x", **values}, HERE)
    return to_example(record, fields, DataSettings(), kind_of(answer), need_answer=True)


def options(*texts: str) -> dict[str, Any]:
    return {"options": list(texts), "label": 0}


@pytest.mark.parametrize(
    ("answer", "values", "right"),
    [
        (COLUMNS, ROW, "It snowed."),
        (COLUMNS, {**ROW, "label": 0.0}, "It rained."),
        (COLUMNS.model_copy(update={"first": 1}), {**ROW, "label": "1"}, "It rained."),
        (COLUMNS.model_copy(update={"by": "letter"}), {**ROW, "label": "b"}, "It snowed."),
        (COLUMNS.model_copy(update={"by": "text"}), {**ROW, "label": "It rained. "}, "It rained."),
        (LIST, {"options": '["前天", "昨天", "今天"]', "label": 2}, "今天"),
        (LIST.model_copy(update={"by": "text"}), {"options": [7, 8.0, "9"], "label": 8}, "8"),
    ],
)
def test_choices(answer: ChoiceAnswer, values: dict[str, Any], right: str) -> None:
    example = read(values, answer)
    assert example.answer == right
    assert right in example.options


def test_fields_may_show_the_options() -> None:
    shown = read({"options": ["去年", "今年"], "label": 0}, LIST, ("text", "options"))
    assert shown.fields == {"text": "x", "options": "A. 去年\nB. 今年"}
    assert read(ROW, COLUMNS, ("text", "two")).fields == {"text": "x", "two": "It snowed."}


REFUSED_CHOICES = {
    "no column": (
        COLUMNS,
        {"one": "a", "tow": "b", "label": 0},
        "no column 'two' for an option; the columns are text, one, tow, label. Did you mean 'tow'?",
    ),
    "no list": (
        LIST,
        {"option": ["a", "b"], "label": 0},
        "no column 'options' for the options; the columns are text, option, label. Did you mean 'option'?",
    ),
    "text for a list": (
        LIST,
        {"options": "a, b", "label": 0},
        'column \'options\' does not hold a list of options. Write the options as a JSON list, ["one", "two"], or name '
        "several columns in answer.options.",
    ),
    "none": (LIST, options(), "0 options, expected two or more. Add options, or leave the row out."),
    "one": (LIST, options("a"), "1 option, expected two or more. Add options, or leave the row out."),
    "empty": (LIST, options("a", " ", "b"), "option 2 is empty. Fill it in, or leave the row out."),
    "null": (COLUMNS, {**ROW, "two": None}, "option 2 (column 'two') is empty. Fill it in, or leave the row out."),
    "twice": (LIST, options("a", "b", "a "), "options 1 and 3 are the same: 'a'. Correct the row, or leave it out."),
    "out of range": (
        LIST,
        {**options("a", "b", "c"), "label": 3},
        "answer 3 is not one of 0 to 2. Correct the row. Where options are counted from 1, set answer.first to 1.",
    ),
    "below": (
        LIST.model_copy(update={"first": 1}),
        options("a", "b"),
        "answer 0 is not one of 1 to 2. Correct the row. Where options are counted from 0, set answer.first to 0.",
    ),
    "no index": (
        LIST,
        {**options("a", "b"), "label": "B"},
        "answer 'B' is not the number of an option. Set answer.by to letter or text, or correct the row.",
    ),
    "no letter": (
        LIST.model_copy(update={"by": "letter"}),
        {**options("a", "b"), "label": "E"},
        "answer 'E' is not one of A to B. Correct the row, or set answer.by to index or text.",
    ),
    "no such text": (
        LIST.model_copy(update={"by": "text"}),
        {**options("rain", "snow"), "label": "snwo"},
        "answer 'snwo' is not one of the options 'rain', 'snow'. Did you mean 'snow'?",
    ),
    "no answer": (
        LIST,
        {**options("a", "b"), "label": None},
        "no label in column 'label'. Label the row or leave it out; `trimtab predict` takes rows without labels.",
    ),
}


@pytest.mark.parametrize("case", REFUSED_CHOICES)
def test_choices_that_will_not_do(case: str) -> None:
    answer, values, message = REFUSED_CHOICES[case]
    with pytest.raises(DataError) as caught:
        read(values, answer)
    assert str(caught.value) == f"{HERE}: {message}"


@pytest.mark.parametrize(("value", "number"), [(3, 3.0), ("-1.5e2", -150.0), (2.25, 2.25), (" 4 ", 4.0), ("0", 0.0)])
def test_numbers(value: object, number: float) -> None:
    assert read({"label": value}, NumberAnswer()).number == number


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("good", "answer 'good' in column 'label' is not a number. Write it like 3.5, or leave the row out."),
        ("1,5", "answer '1,5' in column 'label' is not a number. Write it like 3.5, or leave the row out."),
        ("1_000", "answer '1_000' in column 'label' is not a number. Write it like 3.5, or leave the row out."),
        (True, "answer 'True' in column 'label' is not a number. Write it like 3.5, or leave the row out."),
        (float("nan"), "answer 'nan' in column 'label' is not a finite number. Correct the row, or leave it out."),
        ("inf", "answer 'inf' in column 'label' is not a finite number. Correct the row, or leave it out."),
        ("", "no label in column 'label'. Label the row or leave it out; `trimtab predict` takes rows without labels."),
        ([1.0], "column 'label' holds a list, expected text or a number. Name another column, or turn this one into "
         "text."),
    ],
)  # fmt: skip
def test_numbers_that_will_not_do(value: object, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read({"label": value}, NumberAnswer())
    assert str(caught.value) == f"{HERE}: {message}"


def test_answers_are_not_looked_at_where_none_are_wanted() -> None:
    record = Record({"text": "x", "options": ["a", "b"], "label": -1}, HERE)
    assert (
        to_example(record, ["text"], DataSettings(), kind_of(LIST), need_answer=False, read_answer=False).answer is None
    )


def test_splits_of_numbers_and_choices(tmp_path: Path) -> None:
    tiny.write_rows(tmp_path / "n.jsonl", [{"text": f"text {i}", "label": i / 10} for i in range(100)])
    settings = DataSettings(train="n.jsonl", limit=50)
    splits = load_splits(settings, ["text"], kind_of(NumberAnswer()), base=tmp_path)
    assert (len(splits.train), len(splits.dev)) == (50, 25)
    assert {e.where for e in splits.train}.isdisjoint(e.where for e in splits.dev)
    rows = [{"text": f"text {i}", "options": ["a", "b", "c"], "label": i % 3} for i in range(60)]
    tiny.write_rows(tmp_path / "c.jsonl", rows)
    splits = load_splits(DataSettings(train="c.jsonl"), ["text"], kind_of(LIST), base=tmp_path)
    assert Counter(e.answer for e in splits.dev) == {"a": 5, "b": 5, "c": 5}


@pytest.mark.parametrize(
    ("options", "label", "message"),
    [
        (
            {"shots": 4},
            1,
            "data.shots counts rows a label, and the answers of this task are numbers. Set data.limit instead.",
        ),
        (
            {},
            3.5,
            "n.jsonl: every row has the number '3.5', expected two numbers or more. Add rows with other numbers, or "
            "set data.label (now 'label').",
        ),
    ],
)
def test_splits_that_will_not_do(tmp_path: Path, options: dict[str, Any], label: float, message: str) -> None:
    tiny.write_rows(tmp_path / "n.jsonl", [{"text": f"text {i}", "label": label} for i in range(9)])
    with pytest.raises(TaskError if options else DataError) as caught:
        load_splits(DataSettings(train="n.jsonl", **options), ["text"], kind_of(NumberAnswer()), base=tmp_path)
    assert str(caught.value) == message


def test_trimtab_data_reports_numbers_and_pairs(tmp_path: Path) -> None:
    rows = [{"text": f"text {i % 8}", "other": f"more {i}", "label": i / 2} for i in range(20)]
    tiny.write_rows(tmp_path / "n.jsonl", rows)

    def look(fields: list[str]) -> DataReport:
        return data.run("n.jsonl", settings=DataSettings(), fields=fields, base=tmp_path, others={},
                        answer=NumberAnswer())  # fmt: skip

    [split] = look(["text", "other"]).splits.values()
    found = split.to_dict()
    assert (found["labels"], found["distinct_labels"], split.duplicates.count) == ({}, 0, 0)
    assert isinstance(split.answers, NumberCounts)
    assert (split.answers.min, split.answers.median, split.answers.max) == (0.0, 4.75, 9.5)
    assert look(["text", "other"]).warnings() == []
    assert look(["text"]).warnings() == [
        "n.jsonl: 8 texts with different numbers (n.jsonl:1 = n.jsonl:9). Decide on one number for each.",
        "n.jsonl: 12 rows with the text of an earlier row (n.jsonl:1 = n.jsonl:9). Leave the repeats out unless they "
        "are meant.",
    ]


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (" It rains.\n<|end|>", ("It rains.",)),
        ("It <|end|> rains.", ("It <|end|> rains.",)),
        (["It rains.<|end|>", "It rains."], ("It rains.",)),
        ("<|end|>", ()),
    ],
)
def test_what_an_answer_stops_at_is_no_part_of_it(value: object, right: tuple[str, ...]) -> None:
    record = Record({"text": "x", "label": value}, HERE)
    answer = TextAnswer(stop=["<|end|>", "\n"])
    assert to_example(record, ["text"], DataSettings(), kind_of(answer), need_answer=False).references == right


def test_options_by_letter_go_on_as_columns_of_a_spreadsheet() -> None:
    """Names by counting in base 26 without a nought (bijective numeration); `ZZ` is the 702nd, `AAA` behind it."""
    texts = [f"option {i}" for i in range(800)]
    for letter, place in (("A", 0), ("Z", 25), ("AA", 26), ("AZ", 51), ("BA", 52), ("ZZ", 701), ("AAA", 702)):
        record = Record({"text": "a", "options": texts, "label": letter}, "rows.jsonl:1")
        settings = DataSettings(train="-")
        answer = ChoiceAnswer(options="options", by="letter")
        example = to_example(record, ["options"], settings, kind_of(answer), need_answer=True)
        assert example.answer == texts[place]
        assert f"\n{letter}. option {place}\n" in f"\n{example.fields['options']}\n"


@pytest.mark.parametrize(
    ("index", "shown"),
    [("9" * 5000, "9" * 40 + "..."), ("-" + "9" * 5000, "-" + "9" * 39 + "..."), ("0" * 5000 + "7", "0" * 40 + "...")],
)
def test_an_index_of_thousands_of_digits(index: str, shown: str) -> None:
    record = Record({"text": "a", "options": ["x", "y"], "label": index}, "rows.jsonl:1")
    with pytest.raises(DataError) as caught:
        to_example(
            record, ["text"], DataSettings(train="-"), kind_of(ChoiceAnswer(options="options")), need_answer=True
        )
    assert str(caught.value) == (
        f"rows.jsonl:1: answer {shown} is not one of 0 to 1. Correct the row. Where options are counted from 1, set "
        "answer.first to 1."
    )
