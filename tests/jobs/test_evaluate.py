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


def test_scores_by_a_column(trimtab, run, tmp_path):
    rows = [{**row, "source": "web" if i % 3 else "[red]mail"} for i, row in enumerate(tiny.rows(36, 7))]
    tiny.write_rows(tmp_path / "other.jsonl", rows)
    given = ("evaluate", run, "--test", "other.jsonl", "--out", "by", "--no-beside")
    code, out, _ = trimtab(*given, "--by", "source")
    assert code == 0
    lines = [[cell.strip() for cell in line.split("│")[1:3]] for line in out.splitlines()]
    assert ["web", "24"] in lines
    assert ["[red]mail", "12"] in lines
    made = report(tmp_path / "by")
    assert [(by["by"], by["name"]) for by in made["slices"]["divided"]] == [
        ("length", ""), ("answer", "right label"), ("column", "source"),
    ]  # fmt: skip
    [web, mail] = made["slices"]["divided"][-1]["slices"]
    scores = made["scored"]["test"]
    assert 24 * web["score"] + 12 * mail["score"] == pytest.approx(36 * scores["accuracy"])
    assert [web["rest"], mail["rest"]] == [mail["score"], web["score"]]
    by_label = made["slices"]["divided"][1]["slices"]
    assert [own["score"] for own in by_label] == [own["recall"] for own in scores["per_class"]]


def test_a_column_that_no_row_has_is_told_before_anything_is_loaded(trimtab, run, tmp_path):
    tiny.write_rows(tmp_path / "other.jsonl", [{**row, "source": "web"} for row in tiny.rows(4)])
    code, _, err = trimtab("evaluate", run, "--test", "other.jsonl", "--by", "sorce")
    assert (code, err) == (
        2,
        f"trimtab: {tmp_path / 'other.jsonl'}:1: no column 'sorce' for telling scores apart; the columns are text, "
        "label, source.\n         Did you mean 'source'?\n",
    )
    code, _, err = trimtab("evaluate", run, run, "--by", "source")
    assert code == 2
    assert err.endswith("Error: --by goes with one run.\n")


def test_other_data_that_is_not_like_train_is_warned_of(trimtab, run, tmp_path):
    same, other = tiny.rows(40, 7), [{**row, "text": f"das {row['text']} war"} for row in tiny.rows(40, 7)]
    same = [{**row, "text": f"{row['text']} {i}"} for i, row in enumerate(same)]
    other = [{**row, "text": f"{row['text']} neu{i} alt{i}"} for i, row in enumerate(other)]
    tiny.write_rows(tmp_path / "other.jsonl", other)
    code, out, _ = trimtab("evaluate", run, "--test", "other.jsonl", "--out", "other", "--no-beside")
    assert code == 0
    found = report(tmp_path / "other")
    [distance] = found["shift"]["distances"]
    assert distance["measure"] == "words"
    assert distance["judged"] > distance["held_out"]
    [warning] = found["warnings"]
    assert warning.startswith("The test rows are not like the rows that were trained on: ")
    assert f"Note: {warning}" in out
