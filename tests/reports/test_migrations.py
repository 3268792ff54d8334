"""Files that older versions wrote (`older/`, made by them) are read, and what is read is of the present layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trimtab.reports.card import render_card
from trimtab.reports.compare_page import render_comparison
from trimtab.reports.comparison import Comparison
from trimtab.reports.files import read_comparison, read_report, write_comparison, write_report
from trimtab.reports.findings.choose import findings_of
from trimtab.reports.migrations import comparison_of_version_3, run_report_of_version_2
from trimtab.reports.page import render_page
from trimtab.reports.run_report import RunReport
from trimtab.reports.scored import ChoiceReport, LabelReport, NumberReport, TagReport, TextReport

OLDER = Path(__file__).parent / "older"
PARTS = {
    "label": LabelReport, "choice": ChoiceReport, "number": NumberReport, "tags": TagReport, "text": TextReport,
}  # fmt: skip
# Where version 2 kept the scores of a kind of answer.
FIELD = {"number": "number", "tags": "tags", "text": "written"}


def stored(kind: str, what: str = "report-2") -> dict[str, Any]:
    content: dict[str, Any] = json.loads((OLDER / f"{what}-{kind}.json").read_text("utf-8"))
    return content


@pytest.mark.parametrize("kind", PARTS)
def test_a_report_of_version_2_is_read(kind: str, tmp_path: Path) -> None:
    old, read = stored(kind), read_report(OLDER / f"report-2-{kind}.json")
    assert (old["version"], old["answer"], read.version) == (2, kind, 3)
    assert type(read.scored) is PARTS[kind]
    now = json.loads(read.model_dump_json())
    before = old[FIELD[kind]] if kind in FIELD else old
    for split in ("dev", "test") if kind in ("label", "choice") else ():  # what was not measured then
        assert (now["scored"][split].pop("selective"), now["scored"][split].pop("answered")) == (None, None)
    assert {name: now["scored"][name] for name in ("dev", "test", "baselines")} == {
        name: before[name] for name in ("dev", "test", "baselines")
    }
    assert now["scored"].get("words", {}) == (old["label_words"] if kind == "label" else {})
    for name in ("curve", "runs"):
        assert [record.pop("dev_score") for record in now[name]] == [r.pop("dev_accuracy") for r in old[name]]
        assert now[name] == old[name]
    same = set(old) - {"version", "answer", "dev", "test", "baselines", "label_words", "curve", *FIELD.values()}
    assert {name: now[name] for name in same} == {name: old[name] for name in same}
    write_report(tmp_path, read)
    assert read_report(tmp_path / "report.json") == read
    headline = findings_of(read.scored).headline
    assert headline is not None
    assert f"{before['test']['rows']} test rows" in headline.says
    assert headline.says in render_page(read)
    assert f"On {before['test']['rows']} test rows" in render_card(read)


def test_what_is_amiss_in_an_old_report_is_left_to_the_checks_of_the_new_layout() -> None:
    for answer, own in (("number", []), ("tags", None), (["label"], None), ("label", 7)):
        brought = run_report_of_version_2({"version": 2, "answer": answer, "number": own, "curve": own})
        assert brought["scored"]["kind"] == answer
    with pytest.raises(ValueError, match="scored"):
        RunReport.model_validate({**stored("label"), "answer": "colour"})


def test_the_files_of_older_versions_are_left_as_they_are(tmp_path: Path) -> None:
    content = stored("text")
    before = json.dumps(content)
    RunReport.model_validate(content)
    assert json.dumps(content) == before


@pytest.mark.parametrize(
    ("kind", "guess", "reading"),
    [
        ("label", "the commonest label", ""),
        ("choice", "the option at the commonest place", ""),
        ("number", "the mean of the training rows", "R² is the share of the variance of the right numbers"),
        ("tags", "the commonest tag", "Entity F1: entities whose type and both ends are right, F1; Precision: "),
        ("text", None, "BLEU: "),
    ],
)
def test_a_comparison_of_version_3_is_read(kind: str, guess: str | None, reading: str, tmp_path: Path) -> None:
    old, read = stored(kind, "compare-3"), read_comparison(OLDER / f"compare-3-{kind}.json")
    assert (old["version"], old["answer"], read.version, read.split) == (3, kind, 4, old["part"])
    assert {way.key: way.always for way in read.ways if way.always} == (
        {} if guess is None else {"mean" if kind == "number" else "majority": guess}
    )
    assert read.wording.reading.startswith(reading)
    now = json.loads(read.model_dump_json())
    for way in now["ways"]:
        del way["always"], way["dev_score"]
    same = set(old) - {"version", "part"}
    assert {name: now[name] for name in same} == {name: old[name] for name in same}
    write_comparison(tmp_path, read)
    assert read_comparison(tmp_path / "compare.json") == read
    assert f"{old['test_rows']} <small>test rows</small>" in render_comparison(read)


def test_what_is_amiss_in_an_old_comparison_is_left_to_the_checks_of_the_new_layout() -> None:
    for content in ({}, {"metric": 7}, {"metric": {}, "others": 3}, {"ways": 5}, {"ways": [None, {"key": "mean"}]}):
        assert "wording" not in comparison_of_version_3(content)
    with pytest.raises(ValueError, match="metric"):
        Comparison.model_validate({**stored("tags", "compare-3"), "metric": {"title": "F1"}})
