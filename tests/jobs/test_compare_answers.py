"""Comparisons of ways to choose among options, and of ways to say a number: the same rows, by independent oracles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import r2_score, root_mean_squared_error

import tiny
from answer_rows import choices, numbers, settings
from trimtab import load_splits
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.mean import mean_number
from trimtab.evaluation.baselines.ridge import ridge
from trimtab.evaluation.chance.permutation import paired_permutation_test
from trimtab.jobs import compare, compare_runs, evaluate, tune
from trimtab.reports.files import read_report
from trimtab.ways import cells
from trimtab.ways.wanted import Wanted

TRAIN = {"steps": 30, "evaluate_every": 15}
QUICK = {"choice": ("majority", "zero_shot", "soft_prompt"), "number": ("mean", "ridge", "head", "soft_prompt")}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answers")
    for name, n, seed in (("train", 48, 1), ("dev", 18, 2), ("test", 30, 3)):
        tiny.write_rows(folder / f"choice-{name}.jsonl", choices(n, seed))
        tiny.write_rows(folder / f"number-{name}.jsonl", numbers(n, seed))
    return folder


@pytest.fixture(scope="module")
def made(data: Path, tiny_folder: Path, pretrained: Any) -> dict[str, Any]:
    """A comparison of each kind, with everything there is to find out."""
    return {
        kind: compare.run(
            settings(kind, tiny_folder, train=TRAIN), data / f"out-{kind}",
            Wanted(methods=QUICK[kind], curve=(12,), without_prompt=True), base=data, pretrained=pretrained,
        )
        for kind in QUICK
    }  # fmt: skip


def kept(folder: Path, key: str) -> np.ndarray:
    """What a way answered, from its cell on all training rows."""
    [path] = (folder / "cells").glob(f"{key}-48-0-*.json")
    return np.array(json.loads(path.read_text())["answers"])


def test_numbers_are_compared_by_r_squared(made: dict[str, Any], data: Path, tiny_folder: Path) -> None:
    number = made["number"]
    task = settings("number", tiny_folder)
    splits = load_splits(task.data, ["text"], task.answer, base=data)
    right = np.array([e.number for e in splits.test])
    ways = {way.key: way for way in number.ways}
    assert (number.answer, number.metric.name, number.labels, number.reference) == ("number", "R²", [], "soft_prompt")
    for key, given in (("mean", mean_number(splits.train, splits.test)), ("ridge", ridge(splits.train, splits.test))):
        assert ways[key].score == pytest.approx(r2_score(right, given))
        assert ways[key].mean("RMSE") == pytest.approx(root_mean_squared_error(right, given))
    tuned = kept(data / "out-number", "soft_prompt")
    assert ways["soft_prompt"].score == pytest.approx(r2_score(right, tuned))
    assert ways["head"].difference.test == "permutation"
    expected = paired_permutation_test(
        (kept(data / "out-number", "head") - right) ** 2, (tuned - right) ** 2
    )  # fmt: skip
    assert ways["head"].difference.p_value == pytest.approx(expected, abs=0.005)
    assert [w.mean("RMSE") for w in number.ways] == sorted(w.mean("RMSE") for w in number.ways)
    assert number.chosen in ways
    assert number.choose.startswith("Choose ")
    assert ways[number.chosen].score > ways["mean"].score


def test_choices_are_compared_by_accuracy(made: dict[str, Any], data: Path, tiny_folder: Path) -> None:
    choice = made["choice"]
    task = settings("choice", tiny_folder)
    splits = load_splits(task.data, ["text"], task.answer, base=data)
    places = np.array([e.options.index(e.answer or "") for e in splits.test])
    ways = {way.key: way for way in choice.ways}
    assert (choice.answer, choice.metric.name, choice.labels) == ("choice", "accuracy", [])
    assert ways["soft_prompt"].score == pytest.approx((kept(data / "out-choice", "soft_prompt") == places).mean())
    commonest = np.bincount([e.options.index(e.answer or "") for e in splits.train])
    by_hand = [int(commonest[: len(e.options)].argmax()) for e in splits.test]
    assert ways["majority"].score == pytest.approx((by_hand == places).mean())
    assert ways["majority"].name == "commonest place"
    assert ways["majority"].difference.test == "McNemar"
    assert all(way.beside == {} for way in choice.ways)
    by_place = {e.where: e for e in splits.test}
    for row in choice.disagreements:
        assert {row.answer, *row.answers.values()} <= set(by_place[row.where].options)


@pytest.mark.parametrize("kind", QUICK)
def test_a_report_has_the_figures_of_the_comparison(
    kind: str, made: dict[str, Any], data: Path, tmp_path: Path, pretrained: Any
) -> None:
    """Rows with two to four options: only the places that a row has count in it, there as here."""
    [run] = (data / f"out-{kind}" / "runs").glob("soft_prompt-48-0-*")
    report = evaluate.run(run, out=tmp_path, pretrained=pretrained)
    ways = {way.key: way for way in made[kind].ways}
    if kind == "choice":
        majority = next(b for b in report.scored.baselines if b.name == "majority")
        assert majority.accuracy == pytest.approx(ways["majority"].score)
        assert majority.p_value == pytest.approx(ways["majority"].difference.p_value, abs=0.02)
    else:
        for own, key in zip(report.scored.baselines, ("mean", "ridge"), strict=True):
            assert own.rmse == pytest.approx(ways[key].mean("RMSE"))
            assert own.p_value == pytest.approx(ways[key].difference.p_value, abs=0.005)


@pytest.mark.parametrize("kind", QUICK)
def test_curves_and_what_is_left_without_the_prompt(kind: str, made: dict[str, Any]) -> None:
    comparison = made[kind]
    for line in comparison.curves:
        assert [rows for rows, _, _ in line.points] == [12, 48]
    assert {line.key: line.points[-1][1] for line in comparison.curves} == {w.key: w.score for w in comparison.ways}
    ways = {way.key: way for way in comparison.ways}
    assert comparison.left_out == []
    if kind == "choice":
        assert ways["soft_prompt"].without_prompt == ways["zero_shot"].score
    else:  # the layer that was trained along is left, on hidden states it was not made for
        assert ways["soft_prompt"].without_prompt < ways["soft_prompt"].score
        assert ways["head"].without_prompt <= 1
        assert ways["mean"].without_prompt is None


def test_pages_say_what_the_figures_are(made: dict[str, Any], data: Path) -> None:
    page = (data / "out-number" / "compare.html").read_text(encoding="utf-8")
    assert 'data-name="R²" data-first="descending" aria-sort="descending"' in page
    assert 'data-name="RMSE" data-first="ascending"' in page
    assert "Macro F1" not in page
    assert "Accuracy" not in page
    assert "permutation test on squared errors" in page
    page = (data / "out-choice" / "compare.html").read_text(encoding="utf-8")
    assert 'data-name="Accuracy"' in page
    assert "Macro F1" not in page
    assert "The right option is marked" in page


@pytest.mark.parametrize("kind", QUICK)
def test_nothing_is_measured_twice(
    kind: str, made: dict[str, Any], data: Path, tiny_folder: Path, pretrained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(cells, "train", refuse)
    wanted = Wanted(methods=QUICK[kind], curve=(12,), without_prompt=True)
    task = settings(kind, tiny_folder, train=TRAIN)
    again = compare.run(task, data / f"out-{kind}", wanted, base=data, pretrained=pretrained)
    assert [(w.key, w.scores) for w in again.ways] == [(w.key, w.scores) for w in made[kind].ways]


REFUSED = {
    ("choice", "head"): "needs labels that are the same for all rows, and each row has options of its own. "
    "Ways for tasks whose answers are choices: majority, zero_shot, few_shot, nearest_few_shot, "
    "soft_prompt, prefix, p_tuning, late_prompt, lora, ia3, bitfit, full, context_tuning.",
    ("choice", "ridge"): "gives numbers, and the answers of this task are choices. "
    "Ways for tasks whose answers are choices: majority, zero_shot, few_shot, nearest_few_shot, "
    "soft_prompt, prefix, p_tuning, late_prompt, lora, ia3, bitfit, full, context_tuning.",
    ("number", "zero_shot"): "trains nothing, and numbers are read by a layer that must be trained. "
    "Ways for tasks whose answers are numbers: mean, ridge, word_vector_ridge, soft_prompt, warp, prefix, p_tuning, "
    "late_prompt, lora, ia3, bitfit, head, early_head, sentence_head, full.",
    ("number", "naive_bayes"): "gives labels, and the answers of this task are numbers. "
    "Ways for tasks whose answers are numbers: mean, ridge, word_vector_ridge, soft_prompt, warp, prefix, p_tuning, "
    "late_prompt, lora, ia3, bitfit, head, early_head, sentence_head, full.",
}


@pytest.mark.parametrize(("kind", "way"), REFUSED)
def test_ways_that_do_not_give_such_answers(
    kind: str, way: str, data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any
) -> None:
    task = settings(kind, tiny_folder)
    with pytest.raises(TrimtabError) as caught:
        compare.run(task, tmp_path, Wanted(methods=(way,)), base=data, pretrained=pretrained)
    assert str(caught.value) == f"--methods: '{way}' {REFUSED[kind, way]}"


@pytest.mark.parametrize("kind", QUICK)
def test_runs_on_the_same_rows(kind: str, data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any) -> None:
    for name, steps in (("a", 30), ("b", 2)):
        task = settings(kind, tiny_folder, train={**TRAIN, "steps": steps, "evaluate_every": steps})
        tune.run(task, tmp_path / name, base=data, beside=False, pretrained=pretrained)
    a, b = tmp_path / "a", tmp_path / "b"
    made = compare_runs.run([a, b], out=tmp_path / "both", pretrained=pretrained)
    assert (made.answer, made.reference, len(made.ways)) == (kind, str(a), 2)
    for way in made.ways:
        report = read_report(Path(way.name) / "report.json")
        if kind == "choice":
            assert report.scored.test is not None
            assert way.score == report.scored.test.accuracy
        else:
            assert report.scored.kind == "number"
            assert report.scored.test is not None
            assert way.mean("RMSE") == pytest.approx(report.scored.test.rmse)
    assert (tmp_path / "both" / "compare.html").exists()


def test_runs_of_other_kinds_of_answer_are_not_compared(
    data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any
) -> None:
    for kind in QUICK:
        task = settings(kind, tiny_folder, train={"steps": 1})
        tune.run(task, tmp_path / kind, base=data, beside=False, pretrained=pretrained)
    with pytest.raises(TrimtabError) as caught:
        compare_runs.run([tmp_path / "choice", tmp_path / "number"], pretrained=pretrained)
    assert str(caught.value) == (
        f"{tmp_path / 'number'}: its answers are numbers; those of {tmp_path / 'choice'} are choices. "
        "Compare runs of the same task."
    )
