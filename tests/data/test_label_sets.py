"""Labels of which a row may have several: lists, texts and columns, what is wrong with them, and their splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tiny
from trimtab.data import Record, load_splits, to_example
from trimtab.data.example import MultiLabelExample
from trimtab.errors import DataError, TaskError
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import MultiLabelAnswer
from trimtab.settings.file import make_task
from trimtab.settings.task import DataSettings

HERE = "rows.jsonl:3"
SETTINGS = DataSettings(label="labels")


def read(labels: Any, answered: bool = True, **answer: Any) -> MultiLabelExample:
    values = {"text": "soup", **(labels if isinstance(labels, dict) else {"labels": labels})}
    found = to_example(
        Record(values, HERE), ("text",), SETTINGS, kind_of(MultiLabelAnswer(**answer)), need_answer=False,
        read_answer=answered,
    )  # fmt: skip
    assert isinstance(found, MultiLabelExample)
    return found


def test_the_kind_has_a_default_of_its_own() -> None:
    assert make_task({"answer": "multilabel"}).data.label == "labels"
    assert make_task({"answer": "multilabel", "data": {"label": "topics"}}).data.label == "topics"


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        (["billing", "refund"], ("billing", "refund")),
        ('["billing", "refund"]', ("billing", "refund")),
        ("billing|refund", ("billing", "refund")),
        ("billing; refund", ("billing", "refund")),
        ("billing, refund ,billing", ("billing", "refund")),
        ("food, drink|refund", ("food, drink", "refund")),
        ("billing", ("billing",)),
        (" billing ", ("billing",)),
        (["refund", "refund ", "billing"], ("refund", "billing")),
        ([5, 5.0, "6", True], ("5", "6", "true")),
        (7, ("7",)),
        ("[draft]", ("[draft]",)),
        ([], ()),
        ("[]", ()),
    ],
)
def test_labels_of_a_list_and_of_a_text(given: Any, labels: tuple[str, ...]) -> None:
    assert read(given).labels == labels


def test_what_parts_labels_can_be_said() -> None:
    assert read("food, drink", separator="/").labels == ("food, drink",)
    assert read("food, drink / refund", separator="/").labels == ("food, drink", "refund")
    assert read("billing refund", separator=" ").labels == ("billing", "refund")
    assert (read("a;b").separator, read("a").separator, read(["a", "b"]).separator) == (";", "", "")


def test_the_answer_is_the_same_in_whatever_order_labels_stand() -> None:
    one, other, none = read(["b", "a"]), read("a|b"), read([])
    assert one.answer == other.answer == '["a", "b"]'
    assert (one.stratum, none.stratum, none.answer) == ("a", "", "[]")
    assert (one.class_in(["a", "b"]), one.classes_in(["c", "b", "a"]), one.classes_in(["a"])) == (None, [1, 2], [0])


@pytest.mark.parametrize("given", [None, "", "  ", {}])
def test_a_row_may_be_unlabelled(given: Any) -> None:
    assert (read(given).labels, read(given).answer) == (None, None)
    assert read(["a"], answered=False).answer is None


def test_columns_of_0_and_1() -> None:
    columns = {"columns": ["toxic", "threat", "insult"]}
    assert read({"toxic": 1, "threat": 0, "insult": True}, **columns).labels == ("toxic", "insult")
    assert read({"toxic": "0", "threat": "0.0", "insult": 1.0} | {"threat": 0.0}, **columns).labels == ("insult",)
    assert read({"toxic": "False", "threat": "0", "insult": "0"}, **columns).labels == ()
    assert read({}, **columns).labels is None


@pytest.mark.parametrize(
    ("given", "answer", "message"),
    [
        (
            ["billing", " "], {},
            "rows.jsonl:3: label 2 of 2 in column 'labels' is empty. Take it out, or write it; [] says that no label "
            "fits.",
        ),
        (
            "billing||refund", {},
            "rows.jsonl:3: label 2 of 3 in column 'labels' is empty. Take it out, or write it; [] says that no label "
            "fits.",
        ),
        (
            ["billing", ["refund"]], {},
            "rows.jsonl:3: column 'labels' holds a list, expected text or a number. Name another column, or turn this "
            "one into text.",
        ),
        (
            {"labels": {"billing": 1}}, {},
            "rows.jsonl:3: column 'labels' holds an object, expected text or a number. Name another column, or turn "
            "this one into text.",
        ),
        (
            {"toxic": 1}, {"columns": ["toxic", "insult"]},
            "rows.jsonl:3: no column 'insult' for a label; the columns are text, toxic. Set answer.columns to columns "
            "that are there.",
        ),
        (
            {"toxic": 1, "threat": None}, {"columns": ["toxic", "threat"]},
            "rows.jsonl:3: column 'threat' is null, expected 0 or 1. Fill it in.",
        ),
        (
            {"toxic": 1, "threat": 2}, {"columns": ["toxic", "threat"]},
            "rows.jsonl:3: column 'threat' holds '2', expected 0 or 1. Correct the row, or leave the column out of "
            "answer.columns.",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_row(given: Any, answer: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(given, **answer)
    assert str(caught.value) == message


def splits_of(folder: Path, rows: list[dict[str, Any]], **settings: Any) -> Any:
    tiny.write_rows(folder / "train.jsonl", rows)
    task = make_task({"answer": "multilabel", "data": {"train": "train.jsonl", **settings.pop("data", {})}, **settings})
    return load_splits(task.data, ("text",), kind_of(task.answer), base=folder)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([["a"], ["a"]], "train.jsonl: every row has the same labels (a). Add rows with others, or set data.label "
         "(now 'labels')."),
        ([[], []], "train.jsonl: no row has a label. Add rows with labels, or set data.label (now 'labels')."),
        (["a;b", "a,b"], "train.jsonl:2: labels are parted by ',', and by ';' in train.jsonl:1. Set answer.separator "
         "to what parts them; the other is then part of a label."),
        ([["a"], None], "train.jsonl:2: no label in column 'labels' (1 of 2 rows has none). Label the row, write [] "
         "where no label fits, or leave it out."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_all_rows(labels: list[Any], message: str, tmp_path: Path) -> None:
    rows = [{"text": f"row {i}", "labels": own} for i, own in enumerate(labels)]
    with pytest.raises(DataError) as caught:
        splits_of(tmp_path, rows)
    assert str(caught.value) == message


def test_rows_without_the_column_and_counts_a_label_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        splits_of(tmp_path, [{"text": "a", "topic": ["a"]}, {"text": "b", "topic": []}])
    assert str(caught.value) == (
        "train.jsonl:1: no column 'labels' for the answer; the columns are text, topic. Set data.label to one of them."
    )
    with pytest.raises(TaskError) as refused:
        splits_of(tmp_path, [{"text": "a", "labels": ["a"]}], data={"shots": 2})
    assert str(refused.value) == (
        "data.shots counts rows a label, and the answers of this task are sets of labels. Set data.limit instead."
    )


def test_dev_is_set_aside_by_first_labels_and_twins_are_warned_of(tmp_path: Path) -> None:
    rows = [{"text": f"row {i}", "labels": [["a"], ["b", "a"], [], ["Refund"], ["refund"]][i % 5]} for i in range(60)]
    splits = splits_of(tmp_path, rows)
    assert {example.stratum for example in splits.dev} == {"", "a", "Refund", "refund"}
    assert splits.note[0] == (
        "train: labels that look alike: 'Refund' (12) and 'refund' (12). If two are one, write them alike."
    )
