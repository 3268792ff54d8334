"""Pages name files without saying where on whose machine they are; rows and what is kept as data stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_comparisons import five_ways
from made_reports import two_classes

from trimtab.reports.card import render_card
from trimtab.reports.compare_page import render_comparison
from trimtab.reports.page import render_page
from trimtab.reports.places import without_places

HOME = "/home/mei-lin/secret project"
DATA = {"train": f"{HOME}/rows/train.jsonl", "dev": None, "test": [f"{HOME}/a/test.csv", f"{HOME}/b/test.csv"]}


def report() -> Any:
    made = two_classes()
    settings = {
        "backbone": f"{HOME}/models/tiny", "data": {**DATA, "columns": {"text": "/a/b"}},
        "method": {"name": "soft_prompt", "init_run": f"{HOME}/runs/before"}, "task": "Say / or //.",
        "labels": {"words": {"/": ["/"], "/x/y": ["/x/y"]}},
    }  # fmt: skip
    sources = {"train": DATA["train"], "test": f"{HOME}/a/test.csv, {HOME}/b/test.csv"}
    test = made.scored.test
    first, *others = test.mistakes
    first = type(first)(**{**first.__dict__, "where": f"{HOME}/a/test.csv:12", "fields": {"text": "see /usr/bin/env"}})
    scored = made.scored.model_copy(update={"test": type(test)(**{**test.__dict__, "mistakes": [first, *others]})})
    return made.model_copy(update={
        "settings": settings, "scored": scored, "warnings": [f"{HOME}/b/test.csv:3 is empty."],
        "backbone": made.backbone.model_copy(update={"name": f"{HOME}/models/tiny"}),
        "data": made.data.model_copy(update={"sources": sources, "notes": [f"train: {DATA['train']} has 3 rows"]}),
    })  # fmt: skip


def test_files_are_named_by_what_tells_them_apart() -> None:
    found = without_places(report())
    assert found.settings["data"]["train"] == "train.jsonl"
    assert found.settings["data"]["test"] == ["a/test.csv", "b/test.csv"]
    assert found.settings["method"]["init_run"] == "before"
    assert found.backbone.name == found.settings["backbone"] == "tiny"
    assert found.data.sources == {"train": "train.jsonl", "test": "a/test.csv, b/test.csv"}
    assert found.data.notes == ["train: train.jsonl has 3 rows"]
    assert found.warnings == ["b/test.csv:3 is empty."]
    assert found.scored.test.mistakes[0].where == "a/test.csv:12"


def test_what_names_no_file_stays_as_it_is() -> None:
    found = without_places(report())
    assert found.settings["labels"] == {"words": {"/": ["/"], "/x/y": ["/x/y"]}}
    assert found.settings["task"] == "Say / or //."
    assert found.scored.test.mistakes[0].fields == {"text": "see /usr/bin/env"}
    for made in (two_classes(), five_ways()):
        assert without_places(made) is made  # type: ignore[type-var]


def test_no_page_holds_a_path_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    home = Path.home() / ".cache/trimtab/x"
    notes = [f"{home}: fetched again; {tmp_path}/rows.csv: 3 rows"]
    made = report().model_copy(update={"warnings": notes})
    page, card = render_page(made), render_card(made)
    for text in (page, card):
        assert "mei-lin" not in text
        assert "secret" not in text
        assert str(tmp_path) not in text
        assert str(home) not in text
    assert "rows.csv: 3 rows" in page
    assert "test.csv:12" in page


def test_runs_that_are_compared_keep_names_of_their_own() -> None:
    made = five_ways()
    folders = [f"{HOME}/one/run", f"{HOME}/two/run", "run", f"{HOME}/last", "/last"]
    named = {way.key: folder for way, folder in zip(made.ways, folders, strict=True)}
    ways = [way.model_copy(update={"key": named[way.key], "name": named[way.key]}) for way in made.ways]
    changed = {"ways": ways, "reference": named[made.reference], "choose": f"Choose {folders[0]}: it is better.",
               "curves": [], "disagreements": []}  # fmt: skip
    compared = made.model_copy(update=changed)
    found = without_places(compared)
    assert [way.key for way in found.ways] == ["one/run", "two/run", "run", "secret project/last", "last"]
    assert found.reference in [way.key for way in found.ways]
    assert found.choose == "Choose one/run: it is better."
    page = render_comparison(compared)
    assert "mei-lin" not in page
    assert "two/run" in page


def test_paths_of_windows_are_cut_down_too() -> None:
    made = two_classes().model_copy(update={"settings": {"data": {"train": r"C:\Users\mei\rows.csv"}}})
    assert without_places(made).settings == {"data": {"train": "rows.csv"}}
