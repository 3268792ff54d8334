"""Records to examples: columns, values as text, labels, and what is said where they are wrong."""

from __future__ import annotations

import datetime
import decimal
import json
from pathlib import Path

import pytest

from trimtab.data import Example, Record, read_examples, to_example
from trimtab.errors import DataError, TaskError
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import LABEL
from trimtab.settings.task import DataSettings

HERE = "reviews.jsonl:12"
LABELS = kind_of(LABEL)
UNLABELLED = "Label the row or leave it out; `trimtab predict` takes rows without labels."


def example(values: dict[str, object], fields: list[str] | None = None, **settings: object) -> Example:
    data = DataSettings.model_validate(settings)
    return to_example(Record(values, HERE), fields or ["text"], data, LABELS, need_answer=True)


def refusal(values: dict[str, object], fields: list[str] | None = None, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        example(values, fields, **settings)
    return str(caught.value)


def read(base: Path, rows: list[dict[str, object]], need_answer: bool = True, **settings: object) -> list[Example]:
    (base / "reviews.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = DataSettings.model_validate(settings)
    return read_examples("reviews.jsonl", ["text"], data, LABELS, base=base, need_answer=need_answer)


def test_columns_are_mapped_and_other_columns_dropped() -> None:
    values: dict[str, object] = {"body": "Good.", "title": "T", "stars": "five", "id": [1]}
    got = example(values, ["text", "title"], columns={"text": "body"}, label="stars")
    assert got == Example({"text": "Good.", "title": "T"}, "five", HERE)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (5, "5"),
        (5.0, "5"),
        (-0.5, "-0.5"),
        (1e300, "1e+300"),
        (10**30, "1" + "0" * 30),
        (True, "true"),
        (False, "false"),
        ("05", "05"),
        (" positive ", " positive "),
        (decimal.Decimal("1.50"), "1.50"),
        (datetime.date(2024, 2, 29), "2024-02-29"),
    ],
)
def test_values_become_text(value: object, text: str) -> None:
    assert example({"text": value, "label": value}) == Example({"text": text}, text.strip(), HERE)


def test_fields_are_cleaned_in_order_and_answers_are_not() -> None:
    got = example({"text": "<b>a</b>&nbsp;  b", "label": "<b>x</b>"}, clean=["markup", "whitespace"])
    assert got == Example({"text": "a b"}, "<b>x</b>", HERE)


def test_a_lone_surrogate_becomes_a_replacement_character_or_is_cleaned_away() -> None:
    assert example({"text": "a\ud83d", "label": "x"}).fields["text"] == "a\ufffd"
    assert example({"text": "a\ud83d", "label": "x"}, clean=["control"]).fields["text"] == "a"


def test_blank_text_is_read() -> None:
    assert example({"text": "", "label": "x"}) == Example({"text": ""}, "x", HERE)


def test_missing_columns_name_the_nearest() -> None:
    assert refusal({"texts": "a", "label": "x"}) == (
        f"{HERE}: no column 'text' for the field 'text'; the columns are texts, label. Did you mean 'texts'?"
    )
    assert refusal({"review": "a", "label": "x"}) == (
        f"{HERE}: no column 'text' for the field 'text'; the columns are review, label. "
        "Set data.columns.text to one of them."
    )
    assert refusal({"text": "a", "lable": "x"}) == (
        f"{HERE}: no column 'label' for the answer; the columns are text, lable. Did you mean 'lable'?"
    )


@pytest.mark.parametrize("null", [None, float("nan")])
def test_null_fields(null: object) -> None:
    assert refusal({"text": null, "label": "x"}) == (
        f"{HERE}: column 'text' is null, expected text or a number. "
        "Fill it in, leave the row out, or write an empty string."
    )


@pytest.mark.parametrize(("value", "kind"), [([1], "a list"), ({"a": 1}, "an object"), (b"a", "bytes")])
def test_values_that_are_no_text(value: object, kind: str) -> None:
    expected = f"holds {kind}, expected text or a number. Name another column, or turn this one into text."
    assert refusal({"text": value, "label": "x"}) == f"{HERE}: column 'text' {expected}"
    if kind == "a list":
        hint = "Set answer to multilabel where any number of labels may fit a row, or name another column."
        expected = f"holds a list, expected one label. {hint}"
    assert refusal({"text": "a", "label": value}) == f"{HERE}: column 'label' {expected}"


@pytest.mark.parametrize("label", [None, "", "  ", float("nan")])
def test_one_row_without_a_label(label: object) -> None:
    assert refusal({"text": "a", "label": label}) == f"{HERE}: no label in column 'label'. {UNLABELLED}"
    record = Record({"text": "a", "label": label}, HERE)
    assert to_example(record, ["text"], DataSettings(), LABELS, need_answer=False).answer is None


def test_read_examples(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": "a", "label": 1}, {"text": "b", "label": 0}]
    assert read(tmp_path, rows) == [
        Example({"text": "a"}, "1", "reviews.jsonl:1"),
        Example({"text": "b"}, "0", "reviews.jsonl:2"),
    ]


def test_read_examples_without_labels(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": "a", "label": "x"}, {"text": "b"}, {"text": "c", "label": None}]
    with pytest.raises(DataError) as caught:
        read(tmp_path, rows)
    assert str(caught.value) == f"reviews.jsonl:2: no label in column 'label' (2 of 3 rows have none). {UNLABELLED}"
    with pytest.raises(DataError) as caught:
        read(tmp_path, rows[:2])
    assert str(caught.value) == f"reviews.jsonl:2: no label in column 'label' (1 of 2 rows has none). {UNLABELLED}"
    with pytest.raises(DataError) as caught:
        read(tmp_path, rows[:1], label="lable")
    assert str(caught.value) == (
        "reviews.jsonl:1: no column 'lable' for the answer; the columns are text, label. Did you mean 'label'?"
    )
    assert [e.answer for e in read(tmp_path, rows, need_answer=False)] == ["x", None, None]


@pytest.mark.parametrize(
    ("name", "content"), [("a.jsonl", ""), ("a.jsonl", "\n\n"), ("a.csv", ""), ("a.csv", "text\n")]
)
def test_files_without_rows(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError) as caught:
        read_examples(name, ["text"], DataSettings(), LABELS, base=tmp_path)
    assert str(caught.value) == f"{name}: no rows. Check the file: it needs one example a row."


def test_a_mapping_of_a_field_that_the_template_lacks(tmp_path: Path) -> None:
    with pytest.raises(TaskError) as caught:
        read(tmp_path, [], columns={"txt": "body"})
    assert (
        str(caught.value) == "data.columns: no field 'txt' in the template; its fields are text. Did you mean 'text'?"
    )


@pytest.mark.parametrize("value", ["positive", " positive", "positive\t", "positive\u00a0", "\u3000positive\r\n"])
def test_white_space_around_a_label_is_none_of_it(value: str) -> None:
    assert example({"text": "a", "label": value}).answer == "positive"


def test_columns_that_scores_are_told_apart_by_are_kept_as_text() -> None:
    values: dict[str, object] = {"text": "Good.", "label": "a", "source": " web ", "year": 2024.0, "of": {"x": None}}
    got = example(values, slices=["source", "year", "of.x", "none"])
    assert got.slices == {"source": "web", "year": "2024", "of.x": "", "none": ""}
    data = DataSettings(slices=["source"])
    bare = to_example(Record(values, HERE), ["text"], data, LABELS, need_answer=False, read_answer=False)
    assert bare.slices == {}
    assert refusal({"text": "x", "label": "a", "source": ["web"]}, slices=["source"]) == (
        "reviews.jsonl:12: column 'source' holds a list, expected text or a number. "
        "Name another column, or turn this one into text."
    )
