"""Jobs on rows in memory and on several files give what they give on one file of the same rows."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

import tiny
from trimtab.errors import TaskError
from trimtab.jobs import compare, evaluate, predict, tune
from trimtab.reports.run_report import RunReport
from trimtab.settings.file import make_task
from trimtab.ways.wanted import Wanted

NOWHERE = {"train": None, "dev": None, "test": None}


@pytest.fixture(scope="module")
def rows() -> dict[str, list[dict[str, str]]]:
    return {"train": tiny.rows(40), "dev": tiny.rows(20, seed=1), "test": tiny.rows(20, seed=2)}


def figures(report: RunReport) -> object:
    """The scored part of a report as data, but for the places of rows."""

    def without_places(value: object) -> object:
        match value:
            case dict():
                return {key: without_places(item) for key, item in value.items() if key not in ("where", "seconds")}
            case list():
                return [without_places(item) for item in value]
            case _:
                return value

    return without_places(report.scored.model_dump(mode="json"))


def task(folder: Path, **data: object):
    return make_task(tiny.task(folder, data={**NOWHERE, **data}, train={"runs": 1, "steps": 3}))


def test_tuned_on_tables_as_on_files(rows, tiny_folder, pretrained, tmp_path):
    halves = {"train-1.jsonl": rows["train"][:15], "train-2.jsonl": rows["train"][15:]}
    for name, own in {**halves, "dev.jsonl": rows["dev"], "test.jsonl": rows["test"]}.items():
        tiny.write_rows(tmp_path / name, own)
    files = task(tiny_folder, train=["train-*.jsonl"], dev="dev.jsonl", test="test.jsonl")
    on_files = tune.run(files, tmp_path / "files", base=tmp_path, beside=False, pretrained=pretrained)
    tables = {split: pandas.DataFrame(own) for split, own in rows.items()}
    on_tables = tune.run(
        task(tiny_folder), tmp_path / "tables", base=tmp_path, beside=False, pretrained=pretrained, rows=tables
    )
    kept = [(tmp_path / name / "prompt.safetensors").read_bytes() for name in ("files", "tables")]
    assert kept[0] == kept[1]
    assert figures(on_files.report) == figures(on_tables.report)
    assert on_files.report.data.sources["train"] == f"{tmp_path}/train-*.jsonl"
    assert on_tables.report.data.sources == {}

    again = evaluate.run(tmp_path / "files", test=rows["test"], beside=False, pretrained=pretrained)
    assert figures(again) == figures(on_files.report)
    alone = evaluate.run(
        tmp_path / "tables", test=tables["test"], out=tmp_path / "out", beside=False, pretrained=pretrained
    )
    assert figures(alone)["test"] == figures(on_files.report)["test"]
    engine = predict.open_engine(tmp_path / "tables", pretrained=pretrained)
    answers = list(predict.run(engine, tables["test"]))
    assert answers == list(predict.run(engine, "test.jsonl", base=tmp_path))
    assert list(predict.run(engine, [{"tex": "a"}])) == [
        {
            "error": "rows:1: no column 'text' for the field 'text'; the columns are tex. Did you mean 'tex'?",
            "where": "rows:1",
            "row": {"tex": "a"},
        }
    ]


def test_rows_that_are_not_kept_are_asked_for(rows, tiny_folder, pretrained, tmp_path):
    with pytest.raises(TaskError) as error:
        tune.run(task(tiny_folder), tmp_path / "run", base=tmp_path, pretrained=pretrained, rows={"dev": rows["dev"]})
    assert str(error.value) == ("data.train is not set. Name the training examples, such as data.train=reviews.jsonl.")


def test_compared_on_tables(rows, tiny_folder, pretrained, tmp_path):
    made = compare.run(
        task(tiny_folder), tmp_path / "compare", Wanted(methods=["majority", "naive_bayes"]), base=tmp_path,
        pretrained=pretrained, rows=rows,
    )  # fmt: skip
    assert {way.key for way in made.ways} == {"majority", "naive_bayes"}
