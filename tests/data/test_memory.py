"""Rows in memory: dictionaries and tables of pandas, pyarrow and `datasets` (a stand-in), as files of them are read."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas
import pyarrow
import pytest

from trimtab.data import BadRecord, Record, load_splits, read_records
from trimtab.data.records import InMemory
from trimtab.errors import DataError, TaskError
from trimtab.kinds.choose import kind_of
from trimtab.settings.answers import LABEL
from trimtab.settings.task import DataSettings

ROWS: list[dict[str, object]] = [{"text": "a", "label": 1}, {"text": "好", "label": None}]
HERE = Path()
HINT = "Give a list of dictionaries, or a table of pandas, polars, pyarrow or datasets."


class Dataset:
    """What `datasets.Dataset` has that is looked at."""

    features: ClassVar[dict[str, Any]] = {
        "text": SimpleNamespace(dtype="string"),
        "label": SimpleNamespace(names=["bad", "good"]),
        "tags": SimpleNamespace(feature=SimpleNamespace(names=["O", "B-x"])),
    }

    def __iter__(self) -> Iterator[dict[str, object]]:
        yield {"text": "a", "label": 1, "tags": [0, 1]}
        yield {"text": "b", "label": -1, "tags": [1]}


def values(given: object) -> list[dict[str, object]]:
    return [row.values for row in read_records(InMemory("train", given), base=HERE) if isinstance(row, Record)]


@pytest.mark.parametrize(
    "given",
    [ROWS, tuple(ROWS), (row for row in ROWS), pandas.DataFrame(ROWS, dtype=object), pyarrow.Table.from_pylist(ROWS)],
    ids=["list", "tuple", "generator", "pandas", "pyarrow"],
)
def test_rows_are_what_they_are(given: object) -> None:
    assert values(given) == ROWS


def test_places_are_row_numbers() -> None:
    assert [row.where for row in read_records(InMemory("test", ROWS), base=HERE)] == ["test:1", "test:2"]


def test_values_of_pandas_and_numpy() -> None:
    table = pandas.DataFrame(
        {
            "text": pandas.array(["a", None], dtype="string"),
            "stars": pandas.array([5, None], dtype="Int64"),
            "share": [0.5, float("nan")],
            "good": np.array([True, False]),
            "day": pandas.to_datetime(["2024-02-29", None]),
            "kind": pandas.Categorical(["x", None]),
            "tokens": [np.array(["a", "b"]), ["c"]],
            7: [np.int64(1), np.int64(2)],
        }
    )
    first, second = values(table)
    assert first["text"] == "a"
    assert first["stars"] == 5
    assert (first["good"], type(first["good"])) == (True, bool)
    assert isinstance(first["day"], datetime.date)
    assert first["tokens"] == ["a", "b"]
    assert (first["7"], type(first["7"])) == (1, int)
    assert [second["stars"], second["day"]] == [None, None]
    kind, data = kind_of(LABEL), DataSettings(label="stars", columns={"text": "kind"})
    row = read_records(InMemory("train", table), base=HERE)
    first_record = next(row)
    assert isinstance(first_record, Record)
    assert kind.read(first_record, ["text"], data, answered=True).answer == "5"
    second_record = next(row)
    assert isinstance(second_record, Record)
    with pytest.raises(DataError) as caught:
        kind.read(second_record, ["text"], data, answered=True)
    assert "train:2: column 'kind' is null" in str(caught.value)


def test_classes_come_by_name() -> None:
    assert values(Dataset()) == [
        {"text": "a", "label": "good", "tags": ["O", "B-x"]},
        {"text": "b", "label": None, "tags": ["B-x"]},
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a.jsonl", f"train: found a str, expected rows. The names of files go into data.train. {HINT}"),
        (3, f"train: found an int, expected rows. {HINT}"),
        ({"text": ["a"]}, f"train: found a dict, expected rows. {HINT}"),
        (
            {"train": Dataset(), "test": Dataset()},
            "train: found several splits (train, test), expected one. Give one of them.",
        ),
        (["a"], f"train:1: found a str, expected a dictionary of columns. {HINT}"),
        (pandas.DataFrame([[1, 2]], columns=["a", "a"]), "train: two columns are called 'a'. Rename one of them."),
    ],
)  # fmt: skip
def test_what_holds_no_rows(given: object, message: str) -> None:
    with pytest.raises(DataError) as caught:
        values(given)
    assert str(caught.value) == message


def test_tolerant_reading_goes_on() -> None:
    found = list(read_records(InMemory("rows", [3, {"text": "a"}]), base=HERE, tolerant=True))
    assert [type(row) for row in found] == [BadRecord, Record]


def test_splits_of_rows_in_memory() -> None:
    table = pandas.DataFrame({"text": [f"{i}" for i in range(40)], "label": ["a", "b"] * 20})
    given = {"train": table, "test": [{"text": "x", "label": "a"}], "dev": None}
    splits = load_splits(DataSettings(dev=None), ["text"], kind_of(LABEL), base=HERE, rows=given)
    assert [len(splits.train) + len(splits.dev), len(splits.test)] == [40, 1]
    assert splits.test[0].where == "test:1"
    with pytest.raises(TaskError) as caught:
        load_splits(DataSettings(), ["text"], kind_of(LABEL), base=HERE, rows={"tran": table})
    assert str(caught.value) == "rows: no split 'tran'. Did you mean 'train'?"
    with pytest.raises(DataError) as told:
        load_splits(DataSettings(), ["text"], kind_of(LABEL), base=HERE, rows={"train": []})
    assert str(told.value) == "train: no rows. Check the file: it needs one example a row."
