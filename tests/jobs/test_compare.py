"""A comparison: the same rows for every way, nothing measured twice, figures by independent oracles."""

from __future__ import annotations

import errno
import json

import numpy as np
import pytest

import tiny
from trimtab import load_splits
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.naive_bayes import naive_bayes
from trimtab.evaluation.chance.mcnemar import mcnemar_test
from trimtab.jobs import compare, compare_runs, tune
from trimtab.reports.files import read_report
from trimtab.settings.file import make_task
from trimtab.ways import cells
from trimtab.ways.wanted import Wanted

QUICK = ("majority", "naive_bayes", "zero_shot", "soft_prompt")


class Killed(BaseException):
    """Stands in for a kill: nothing cleans up after it."""


@pytest.fixture(scope="module")
def data(tmp_path_factory, tiny_folder):
    folder = tmp_path_factory.mktemp("data")
    tiny.write_task(folder, tiny_folder)
    return folder


@pytest.fixture
def task(tiny_folder):
    return make_task(tiny.task(tiny_folder, train={"steps": 12, "evaluate_every": 6, "checkpoint_seconds": 0}))


def compared(task, out, data, pretrained, *, on_cell=None, **wanted):
    return compare.run(
        task, out, Wanted(**{"methods": QUICK, **wanted}), base=data, pretrained=pretrained, on_cell=on_cell
    )


def test_a_full_disk_leaves_no_way_out(task, data, tmp_path, pretrained, monkeypatch):
    full = []

    def fsync(_):
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("trimtab.runs.folder.os.fsync", fsync)

    def on_cell(way, seed, rows):
        full[:] = [way.key] if way.key == "soft_prompt" else []

    wanted = {"methods": ("naive_bayes", "soft_prompt"), "reference": "naive_bayes"}
    out = tmp_path / "out"
    with pytest.raises(TrimtabError, match=r"cannot be written \(No space left on device\)\. Free some space"):
        compared(task, out, data, pretrained, on_cell=on_cell, **wanted)
    assert not (out / "compare.json").exists()
    full.clear()
    assert {way.key for way in compared(task, out, data, pretrained, **wanted).ways} == {"naive_bayes", "soft_prompt"}


def test_figures_are_those_of_each_way_alone(task, data, tmp_path, pretrained):
    made = compared(task, tmp_path / "out", data, pretrained, seeds=2)
    ways = {way.key: way for way in made.ways}
    assert (made.split, made.reference) == ("test", "soft_prompt")
    assert [way.score for way in made.ways] == sorted((way.score for way in made.ways), reverse=True)
    assert {key: way.seeds for key, way in ways.items()} == {
        "majority": [0], "naive_bayes": [0], "zero_shot": [0], "soft_prompt": [0, 1],
    }  # fmt: skip
    splits = load_splits(task.data, ["text"], base=data)
    labels = ["negative", "positive"]
    gold = np.array([labels.index(e.answer) for e in splits.test])
    bayes = naive_bayes(splits.train, splits.test, labels).answers_N == gold
    assert ways["naive_bayes"].score == bayes.mean()
    for seed, accuracy in zip((0, 1), ways["soft_prompt"].scores, strict=True):
        own = task.model_copy(update={"train": task.train.model_copy(update={"seed": seed})})
        alone = tune.run(own, tmp_path / f"alone{seed}", base=data, beside=False, pretrained=pretrained)
        assert alone.report.scored.test.accuracy == accuracy
    assert ways["soft_prompt"].trained_parameters == task.method.length * pretrained.backbone.hidden_size
    assert ways["soft_prompt"].difference is None
    assert ways["zero_shot"].difference.test == "sign flips over rows and seeds"
    assert ways["zero_shot"].difference.points == pytest.approx(ways["zero_shot"].score - ways["soft_prompt"].score)
    assert ways["zero_shot"].latency_seconds > 0
    assert ways["soft_prompt"].peak_memory_bytes > 0
    written = json.loads((tmp_path / "out" / "compare.json").read_text(encoding="utf-8"))
    assert [way["key"] for way in written["ways"]] == [way.key for way in made.ways]
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert all(way.name in page for way in made.ways)
    assert written["choose"] == made.choose


def test_context_tuning_is_a_prefix_started_from_demonstrations(task, data, tmp_path, pretrained):
    [way] = compared(task, tmp_path / "out", data, pretrained, methods=("context_tuning",)).ways
    own = make_task({**task.model_dump(), "method": {"name": "prefix", "init": "demonstrations"}})
    alone = tune.run(own, tmp_path / "alone", base=data, beside=False, pretrained=pretrained)
    assert (way.name, way.score) == ("context tuning", alone.report.scored.test.accuracy)
    assert way.interval == alone.report.scored.test.intervals["accuracy"]  # one score, one interval, on any page
    assert way.trained_parameters == alone.report.method.trained_parameters


def test_one_seed_each_is_mcnemar(task, data, tmp_path, pretrained):
    made = compared(task, tmp_path / "out", data, pretrained)
    answers = {}
    for path in (tmp_path / "out" / "cells").glob("*.json"):
        answers[path.name.split("-")[0]] = np.array(json.loads(path.read_text())["answers"])
    labels = ["negative", "positive"]
    gold = np.array([labels.index(e.answer) for e in load_splits(task.data, ["text"], base=data).test])
    raw = {
        key: mcnemar_test(answers[key] == gold, answers["soft_prompt"] == gold) for key in QUICK if key != "soft_prompt"
    }
    for way in made.ways:
        if way.difference:
            assert way.difference.test == "McNemar"
            assert way.difference.p_value == pytest.approx(raw[way.key], abs=0.02)
            assert way.difference.p_value <= way.difference.p_adjusted <= 1


def test_nothing_is_measured_twice_and_what_is_new_is(task, data, tmp_path, pretrained, monkeypatch):
    first = compared(task, tmp_path / "out", data, pretrained)
    trained = []
    real = cells.prepare
    monkeypatch.setattr(
        cells, "prepare", lambda own, *rest: (trained.append(own.bound.task.method.name), real(own, *rest))[1]
    )
    second = compared(task, tmp_path / "out", data, pretrained)
    assert trained == []
    assert [(w.key, w.scores, w.train_seconds) for w in second.ways] == [
        (w.key, w.scores, w.train_seconds) for w in first.ways
    ]
    compared(task, tmp_path / "out", data, pretrained, methods=(*QUICK, "head"))
    assert trained == ["head"]
    changed = task.model_copy(update={"task": "another description"})
    compared(changed, tmp_path / "out", data, pretrained)
    assert trained == ["head", "zero_shot", "soft_prompt"]


def test_a_killed_comparison_goes_on_where_it_was(task, data, tmp_path, pretrained):
    whole = compared(task, tmp_path / "whole", data, pretrained)

    def die(record, plan):
        if record.step == 8:
            raise Killed

    wanted = Wanted(methods=QUICK)
    with pytest.raises(Killed):
        compare.run(task, tmp_path / "out", wanted, base=data, pretrained=pretrained, on_step=die)
    assert not (tmp_path / "out" / "compare.json").exists()
    steps = []
    made = compare.run(
        task, tmp_path / "out", wanted, base=data, pretrained=pretrained, on_step=lambda r, _: steps.append(r.step)
    )
    assert steps[0] == 8
    assert [(w.key, w.scores) for w in made.ways] == [(w.key, w.scores) for w in whole.ways]


def test_what_was_trained_and_not_yet_scored_is_scored(task, data, tmp_path, pretrained, monkeypatch):
    whole = compared(task, tmp_path / "whole", data, pretrained)
    score = cells.answers_of

    def die(run, *given):
        if run.task.method.name == "soft_prompt":
            raise Killed
        return score(run, *given)

    monkeypatch.setattr(cells, "answers_of", die)
    with pytest.raises(Killed):
        compared(task, tmp_path / "out", data, pretrained)
    monkeypatch.setattr(cells, "answers_of", score)
    made = compared(task, tmp_path / "out", data, pretrained)
    assert made.left_out == []
    assert [(w.key, w.scores) for w in made.ways] == [(w.key, w.scores) for w in whole.ways]
    assert {w.key: w.peak_memory_bytes is None for w in made.ways}["soft_prompt"]


def test_learning_curves(task, data, tmp_path, pretrained):
    seen = []
    made = compared(
        task, tmp_path / "out", data, pretrained, curve=(8, 16, 100_000),
        on_cell=lambda way, seed, rows: seen.append((way.key, seed, rows)),
    )  # fmt: skip
    assert [rows for key, _, rows in seen if key == "soft_prompt"] == [made.train_rows, 8, 16]
    for line in made.curves:
        assert [rows for rows, _, _ in line.points] == [8, 16, made.train_rows]
    at_the_end = {line.key: line.points[-1][1] for line in made.curves}
    assert at_the_end == {way.key: way.score for way in made.ways}


def test_without_prompt(task, data, tmp_path, pretrained):
    made = compared(
        task, tmp_path / "out", data, pretrained, methods=("zero_shot", "soft_prompt", "head"), without_prompt=True
    )
    ways = {way.key: way for way in made.ways}
    assert ways["soft_prompt"].without_prompt == ways["zero_shot"].score
    assert 0 <= ways["head"].without_prompt <= 1
    assert ways["zero_shot"].without_prompt is None


def test_a_budget_says_what_it_left_out(task, data, tmp_path, pretrained):
    long = task.model_copy(update={"train": task.train.model_copy(update={"steps": 1_000_000})})
    made = compared(long, tmp_path / "out", data, pretrained, budget_seconds=60, reference="zero_shot")
    assert {way.key for way in made.ways} == {"majority", "naive_bayes", "zero_shot"}
    [left] = made.left_out
    assert (left.key, left.name) == ("soft_prompt", "soft prompt")
    assert left.why.startswith("it would take about ")
    with pytest.raises(TrimtabError, match="--reference: 'soft_prompt' could not be measured"):
        compared(long, tmp_path / "out", data, pretrained, budget_seconds=60, reference="soft_prompt")


def test_another_way_is_the_reference_where_the_usual_one_cannot_be_measured(task, data, tmp_path, pretrained):
    long = task.model_copy(update={"train": task.train.model_copy(update={"steps": 1_000_000})})
    made = compared(long, tmp_path / "out", data, pretrained, budget_seconds=60)
    assert made.reference in {way.key for way in made.ways}
    name = next(way.name for way in made.ways if way.key == made.reference)
    said = f"The reference is {name}, as 'soft_prompt' could not be measured: it would take about "
    assert made.warnings[0].startswith(said)
    assert "could not be measured: it would take about" in (tmp_path / "out" / "compare.html").read_text()


def test_a_way_that_cannot_be_measured_is_left_out_and_says_why(task, data, tmp_path, pretrained):
    made = compared(task, tmp_path / "out", data, pretrained, methods=("majority", "soft_prompt", "bitfit"))
    [left] = made.left_out
    assert left.key == "bitfit"
    assert "biases" in left.why


def test_disagreements_are_rows_on_which_answers_differ(task, data, tmp_path, pretrained):
    made = compared(task, tmp_path / "out", data, pretrained)
    assert made.disagreements
    for row in made.disagreements:
        assert len(set(row.answers.values())) > 1
        assert set(row.answers) <= set(QUICK)


def test_what_cannot_be_asked_for(task, data, tmp_path, pretrained):
    def refusal(**wanted) -> str:
        with pytest.raises(TrimtabError) as caught:
            compared(task, tmp_path / "out", data, pretrained, **wanted)
        return str(caught.value)

    assert refusal(methods=("soft_promt",)) == (
        "--methods: 'soft_promt' is not a way to compare. Did you mean 'soft_prompt'?"
    )
    assert refusal(reference="lora") == (
        "--reference: 'lora' is not among the ways compared. They are majority, naive_bayes, zero_shot, soft_prompt."
    )


def test_the_command_line(data, trimtab, tmp_path):
    asked = ("compare", data / "task.yaml", "--out", "out", "--set", "train.steps=4", "--methods")
    done = trimtab(*asked, "majority, naive_bayes,soft_prompt", "--price", "2", "--currency", "EUR")
    assert done.code == 0, done.err
    assert "Choose " in done.out
    assert "soft prompt: 64 training rows, seed 0" in done.err
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "EUR" in page
    for option, value, message in (
        ("--budget", "soon", "--budget: 'soon' is not a time such as 90s, 10m or 1.5h."),
        ("--learning-curve", "8,many", "--learning-curve: '8,many' is not a list of numbers of rows such as 8,32,128."),
    ):
        refused = trimtab(*asked, "majority,naive_bayes", option, value)
        assert (refused.code, message in refused.err) == (2, True)


def test_runs_on_the_same_rows(task, data, tmp_path, trimtab, pretrained):
    for name, steps in (("a", 12), ("b", 2)):
        own = task.model_copy(update={"train": task.train.model_copy(update={"steps": steps})})
        tune.run(own, tmp_path / name, base=data, beside=False, pretrained=pretrained)
    a, b = tmp_path / "a", tmp_path / "b"
    made = compare_runs.run([a, b], out=tmp_path / "both", pretrained=pretrained)
    assert made.reference == str(a)
    by_name = {way.name: way.score for way in made.ways}
    for folder in (a, b):
        assert by_name[str(folder)] == read_report(folder / "report.json").scored.test.accuracy
    assert (tmp_path / "both" / "compare.html").exists()
    done = trimtab("evaluate", a, b)
    assert (done.code, "ref." in done.out) == (0, True)
    twice = trimtab("evaluate", a, a)
    assert (twice.code, f"{a}: given twice. Give each run once." in " ".join(twice.err.split())) == (2, True)
