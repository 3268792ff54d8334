"""The data job: which columns it takes, what it tolerates, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from trimtab.data import Finding, Lengths
from trimtab.errors import TrimtabError
from trimtab.jobs import data
from trimtab.settings.task import DataSettings


def write(path: Path, *rows: dict[str, object]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(base: Path, source: str, fields: tuple[str, ...] = (), **options: object) -> data.DataReport:
    others = options.pop("others", {})
    settings = DataSettings.model_validate(options)
    return data.run(source, settings=settings, fields=fields, base=base, others=others)  # type: ignore[arg-type]


def refusal(base: Path, source: str, fields: tuple[str, ...] = ()) -> str:
    with pytest.raises(TrimtabError) as caught:
        run(base, source, fields)
    return str(caught.value)


def test_a_bare_file_is_read_with_every_column_of_text(tmp_path: Path) -> None:
    write(
        tmp_path / "a.jsonl",
        {"title": "T", "body": "Good.", "label": "x", "tokens": ["a"], "stars": 5},
        {"title": None, "body": "Bad.", "label": None, "tokens": None},
    )
    report = run(tmp_path, "a.jsonl")
    split = report.splits["a.jsonl"]
    assert split.empty == {"title": Finding(1, ["a.jsonl:2"]), "stars": Finding(1, ["a.jsonl:2"])}
    assert split.unlabelled == Finding(1, ["a.jsonl:2"])
    assert split.characters == Lengths(4, 4, 7, 7)  # "T" "Good." "5" and "" "Bad." ""


def test_splits_of_a_task(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", {"body": "Good.", "stars": 1}, {"body": "Bad.", "stars": 0})
    write(tmp_path / "b.jsonl", {"body": "good.", "stars": 1})
    report = data.run(
        "a.jsonl",
        settings=DataSettings(columns={"text": "body"}, label="stars"),
        fields=["text"],
        base=tmp_path,
        others={"test": "b.jsonl"},
        count_tokens=len,
        context=4,
    )
    assert report.splits["train"].labels == {"0": 1, "1": 1}
    assert report.splits["train"].over_context == Finding(1, ["a.jsonl:1"])
    assert [(overlap.first, overlap.second) for overlap in report.shared] == [("train", "test")]


def test_missing_numbers_in_parquet_are_blank(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"text": [1.0, float("nan")], "label": [1.0, float("nan")]}), tmp_path / "a.parquet")
    split = run(tmp_path, "a.parquet").splits["a.parquet"]
    assert split.empty == {"text": Finding(1, ["a.parquet:2"])}
    assert (split.labels, split.unlabelled.count) == ({"1": 1}, 1)


def test_refusals(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", {"label": "x", "tokens": ["a"]})
    assert refusal(tmp_path, "a.jsonl") == (
        "a.jsonl:1: no column of text besides the label 'label'. The columns are label, tokens."
    )
    write(tmp_path / "b.jsonl", {"texts": "a", "label": "x"})
    assert refusal(tmp_path, "b.jsonl", ("text",)) == (
        "b.jsonl:1: no column 'text' for the field 'text'; the columns are texts, label. Did you mean 'texts'?"
    )
    write(tmp_path / "c.jsonl")
    assert refusal(tmp_path, "c.jsonl") == "c.jsonl: no rows. Check the file: it needs one example a row."
