"""The files of reports and comparisons: round trips, what cannot be written, what cannot be read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import made_comparisons
import pytest
from made_comparisons import five_ways, fourteen_ways, one_way
from made_reports import (
    bare,
    chinese,
    choices,
    label_sets,
    many_classes,
    numbers,
    report,
    spans,
    tags,
    texts,
    two_classes,
)

from trimtab.errors import TrimtabError
from trimtab.reports.compare_page import render_comparison
from trimtab.reports.comparison import Comparison
from trimtab.reports.files import read_comparison, read_report, write_comparison, write_report
from trimtab.reports.run_report import CurvePoint, RunReport

ALL_REPORTS = pytest.mark.parametrize(
    "made", [two_classes, many_classes, chinese, choices, label_sets, numbers, tags, spans, texts, bare],
    ids=lambda made: made.__name__,
)  # fmt: skip
ALL_COMPARISONS = pytest.mark.parametrize(
    "made",
    [five_ways, made_comparisons.chinese, one_way, fourteen_ways, made_comparisons.numbers, made_comparisons.choices,
     made_comparisons.tags, made_comparisons.texts],
    ids=lambda made: made.__name__,
)  # fmt: skip


@ALL_REPORTS
def test_report_json_round_trips(made: object, tmp_path: Path) -> None:
    original: RunReport = made()  # type: ignore[operator]
    write_report(tmp_path, original)
    assert read_report(tmp_path / "report.json") == original
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.md", "report.html", "report.json"]
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["version"] == 3


def test_a_diverged_loss_survives_json(tmp_path: Path) -> None:
    point = CurvePoint(seed=0, step=1, epoch=0.1, loss=float("nan"), rate=0.1)
    write_report(tmp_path, report(None, curve=[point]))
    assert str(read_report(tmp_path / "report.json").curve[0].loss) == "nan"


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(tmp_path, two_classes())
    before = (tmp_path / "report.json").read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrimtabError) as error:
        write_report(tmp_path, chinese())
    assert str(error.value) == (
        f"{tmp_path}/report.json: cannot be written (No space left on device). "
        "Free some space, or choose another folder."
    )
    assert (tmp_path / "report.json").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 3


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrimtabError) as error:
        write_report(tmp_path / "no", bare())
    assert str(error.value) == (
        f"{tmp_path}/no/report.json: cannot be written (No such file or directory). "
        "Free some space, or choose another folder."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory)."),
        ("{", "not a report (not JSON). Run `trimtab evaluate` to write a new one."),
        ("[]", "not a report (the whole: Input should be a valid dictionary or instance of RunReport). "
               "Run `trimtab evaluate` to write a new one."),
        ('{"version": 4}', "report of version 4; this Trimtab reads up to 3. Update it."),
        ('{"version": 1}', "not a report (name: Field required). Run `trimtab evaluate` to write a new one."),
    ],
)  # fmt: skip
def test_a_report_that_cannot_be_read_is_an_error(content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TrimtabError) as error:
        read_report(path)
    assert str(error.value) == f"{path}: {message}"


@ALL_COMPARISONS
def test_compare_json_round_trips(made: object, tmp_path: Path) -> None:
    original: Comparison = made()  # type: ignore[operator]
    write_comparison(tmp_path, original)
    assert read_comparison(tmp_path / "compare.json") == original
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compare.html", "compare.json"]
    assert (tmp_path / "compare.html").read_text("utf-8") == render_comparison(original)


def test_a_comparison_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_comparison(tmp_path, five_ways())
    before = (tmp_path / "compare.json").read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrimtabError) as error:
        write_comparison(tmp_path, made_comparisons.chinese())
    assert str(error.value) == (
        f"{tmp_path}/compare.json: cannot be written (No space left on device). "
        "Free some space, or choose another folder."
    )
    assert (tmp_path / "compare.json").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory)."),
        ("{", "not a comparison (not JSON). Run `trimtab compare` to write a new one."),
        ("[]", "not a comparison (the whole: Input should be a valid dictionary or instance of Comparison). "
               "Run `trimtab compare` to write a new one."),
        ('{"version": 5}', "comparison of version 5; this Trimtab reads up to 4. Update it."),
        ('{"version": 4}', "not a comparison (name: Field required). Run `trimtab compare` to write a new one."),
    ],
)  # fmt: skip
def test_a_comparison_that_cannot_be_read_is_an_error(content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "compare.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TrimtabError) as error:
        read_comparison(path)
    assert str(error.value) == f"{path}: {message}"
