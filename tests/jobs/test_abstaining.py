"""A run that leaves rows unanswered which it is too unsure of: settled on dev, predicted, evaluated, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tiny
from trimtab import LabelPrediction, TaskError
from trimtab.evaluation.scores.abstaining import NEVER
from trimtab.inference.request import Request
from trimtab.jobs import predict, tune
from trimtab.kinds.choose import kind_of
from trimtab.runs.run import load_run
from trimtab.settings.file import make_task


def made(base: Path, tiny_folder: Path, pretrained, dev: int = 64, **labels: object) -> Path:
    """Fit a head; one in eight rows of dev and test has the wrong label."""
    for name, n, seed in (("reviews", 64, 1), ("dev", dev, 2), ("test", 48, 3)):
        rows = tiny.rows(n, seed)
        if name != "reviews":
            for row in rows[::8]:
                row["label"] = {"positive": "negative", "negative": "positive"}[row["label"]]
        tiny.write_rows(base / f"{name}.jsonl", [{**row, "text": f"{i} {row['text']}"} for i, row in enumerate(rows)])
    words = {"words": ["negative", "positive"], **labels}
    task = tiny.task(tiny_folder) | {"method": "head", "train": {"threads": 1, "precision": "float32"}}
    tune.run(make_task(task | {"labels": words}), base / "run", base=base, pretrained=pretrained, beside=False)
    return base / "run"


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_folder, pretrained) -> Path:
    return made(tmp_path_factory.mktemp("abstaining"), tiny_folder, pretrained, abstain=0.6)


def answers(run: Path, pretrained, source: str) -> list[dict]:
    return list(predict.run(predict.open_engine(run, pretrained=pretrained), run.parent / source))


def test_what_dev_settles_is_kept_and_shows_what_was_wanted(run, pretrained):
    labels = load_run(run).task.labels
    assert labels.abstain == 0.6
    assert labels.answer_from is not None
    assert labels.answer_from < 1
    told = answers(run, pretrained, "dev.jsonl")
    rows = [json.loads(line) for line in (run.parent / "dev.jsonl").read_text().splitlines()]
    given = [(row, own) for row, own in zip(rows, told, strict=True) if not own["abstained"]]
    assert len(given) >= 20
    assert sum(row["label"] == own["label"] for row, own in given) / len(given) >= 0.6


def test_unsure_rows_have_no_label_but_probabilities(run, pretrained, trimtab):
    task = (run / "task.yaml").read_text()
    (run / "task.yaml").write_text(task.replace("answer_from:", "answer_from: 0.97 #"))
    try:
        told = answers(run, pretrained, "test.jsonl")
        left = [own for own in told if own["abstained"]]
        assert 0 < len(left) < len(told)
        for own in told:
            assert own["probability"] == max(own["probabilities"].values())
            assert own["abstained"] == (own["probability"] < 0.97)
            assert own["label"] == (
                None if own["abstained"] else max(own["probabilities"], key=own["probabilities"].get)
            )
        engine = predict.open_engine(run, pretrained=pretrained)
        rows = [json.loads(line)["text"] for line in (run.parent / "test.jsonl").read_text().splitlines()]
        found = engine.answer([Request(predict.NAME, {"text": text}) for text in rows])
        for prediction, own in zip(found, told, strict=True):
            assert isinstance(prediction, LabelPrediction)
            assert (prediction.label, prediction.abstained) == (own["label"], own["abstained"])
            assert prediction.probability == pytest.approx(own["probability"], abs=1e-4)
        code, out, _ = trimtab("predict", run, run.parent / "test.jsonl", "--csv")
        assert code == 0
        lines = [line.rsplit(",", 3)[1] for line in out.splitlines()[1:]]
        assert lines == [own["label"] or "" for own in told]
        code, out, _ = trimtab("evaluate", run, "--no-beside")
        assert code == 0
        scores = json.loads((run / "report.json").read_text())["scored"]["test"]
        right = sum(
            own["label"] == json.loads(line)["label"]
            for own, line in zip(told, (run.parent / "test.jsonl").read_text().splitlines(), strict=True)
        )
        assert scores["answered"]["answered"] == len(told) - len(left)
        assert scores["answered"]["accuracy"] == pytest.approx(right / (len(told) - len(left)))
        assert scores["accuracy"] == pytest.approx(scores["selective"]["covered"][0]["accuracy"])
        assert f"and leaves {len(left)} of 48 unanswered, as it is less than 97.0% sure of them." in out
        page = (run / "report.html").read_text()
        assert "It always gives one of its" not in page
        assert "Answering only where it is sure" in page
    finally:
        (run / "task.yaml").write_text(task)


def test_where_dev_shows_nothing_nothing_is_answered(tmp_path, tiny_folder, pretrained):
    run = made(tmp_path, tiny_folder, pretrained, dev=8, abstain=0.9)
    assert load_run(run).task.labels.answer_from == NEVER
    assert {own["label"] for own in answers(run, pretrained, "test.jsonl")} == {None}
    assert "dev did not show from which probability on 90.0% of answers are right." in (run / "report.html").read_text()


def test_a_run_that_answers_everything_does_not_say_whether_it_does(tmp_path, tiny_folder, pretrained):
    run = made(tmp_path, tiny_folder, pretrained)
    assert "abstained" not in answers(run, pretrained, "test.jsonl")[0]


@pytest.mark.parametrize(("answer", "plural"), [
    ("multilabel", "sets of labels"), ("number", "numbers"), ("text", "texts"), ("tags", "tags"),
    ({"kind": "choice", "options": ["a", "b"]}, "choices"),
])  # fmt: skip
@pytest.mark.parametrize(("setting", "value"), [("abstain", 0.9), ("answer_from", 0.5)])
def test_other_answers_are_always_given(answer, plural, setting, value, tiny_folder):
    task = tiny.task(tiny_folder) | {"labels": {setting: value}, "answer": answer}
    checked = make_task(task)
    with pytest.raises(TaskError) as caught:
        kind_of(checked.answer).check(checked)
    assert str(caught.value) == (
        f"labels.{setting} is set, and the answers of this task are {plural}. "
        "Take it out: only a run whose answers are labels can leave rows unanswered."
    )
