"""Scoring a run again: on its own test, on other data, into another folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tiny
from trimtab.jobs import evaluate, predict, tune
from trimtab.settings.file import make_task


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_folder, pretrained) -> Path:
    base = tmp_path_factory.mktemp("evaluate")
    tiny.write_task(base, tiny_folder)
    tune.run(make_task(tiny.task(tiny_folder)), base / "run", base=base, pretrained=pretrained)
    return base / "run"


def report(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())


def test_scoring_again_gives_the_same_scores(trimtab, run):
    before = report(run)
    code, out, _ = trimtab("evaluate", run)
    assert code == 0
    assert out.endswith(f"Report: {run / 'report.html'}\n")
    after = report(run)
    assert after["curve"] == before["curve"]
    then, now = before["scored"], after["scored"]
    for split in ("test", "dev"):
        assert (now[split]["rows"], now[split]["confusion"]) == (then[split]["rows"], then[split]["confusion"])
    assert [b["accuracy"] for b in now["baselines"]] == [b["accuracy"] for b in then["baselines"]]


def test_another_precision(trimtab, run, tmp_path):
    """The tiny task asks for float32."""
    for given, used in (((), "float32"), (("--precision", "bfloat16"), "bfloat16")):
        assert trimtab("evaluate", run, "--out", tmp_path / used, "--no-beside", *given).code == 0
        assert report(tmp_path / used)["machine"]["precision"] == used


def test_other_data_into_another_folder(trimtab, run, tmp_path, pretrained):
    before = (run / "report.json").read_bytes()
    rows = tiny.rows(30, 7)
    tiny.write_rows(tmp_path / "other.jsonl", rows)
    code, _, _ = trimtab("evaluate", run, "--test", "other.jsonl", "--out", "scores", "--no-beside")
    assert code == 0
    assert (run / "report.json").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "scores").iterdir()) == ["card.md", "report.html", "report.json"]
    made = report(tmp_path / "scores")
    assert made["scored"]["baselines"] == []
    assert made["data"]["test_rows"] == 30
    engine = predict.open_engine(run, pretrained=pretrained)
    answers = list(predict.run(engine, "other.jsonl", base=tmp_path))
    right = sum(answer["label"] == row["label"] for answer, row in zip(answers, rows, strict=True))
    assert made["scored"]["test"]["accuracy"] == pytest.approx(right / 30)


def test_offline_and_served_answers_agree(run, pretrained):
    """The dev accuracy of the loop, of the report and of predict are the same rows right."""
    made = evaluate.run(run, pretrained=pretrained, beside=False, out=run.parent / "again")
    assert made.scored.dev is not None
    assert made.scored.dev.accuracy == pytest.approx(made.runs[0].dev_score)


def test_an_output_folder_that_cannot_be_is_told_before_the_work(trimtab, run):
    code, out, err = trimtab("evaluate", run, "--out", run / "task.yaml" / "x")
    assert (code, out) == (2, "")
    assert err == (
        f"trimtab: {run}/task.yaml/x: cannot be written (Not a directory).\n"
        "         Choose another folder with --out.\n"
    )


def test_labels_the_run_does_not_know_are_refused(trimtab, run, tmp_path):
    tiny.write_rows(tmp_path / "other.jsonl", [{"text": "a", "label": "postive"}])
    assert trimtab("evaluate", run, "--test", "other.jsonl", "--out", "scores") == (
        2,
        "",
        f"trimtab: {tmp_path / 'other.jsonl'}:1: label 'postive' is not one of negative, positive.\n"
        "         Did you mean 'positive'?\n",
    )
    assert not (tmp_path / "scores").exists()
