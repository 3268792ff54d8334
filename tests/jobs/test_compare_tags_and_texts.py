"""Comparisons of ways to tag and of ways to say something: the same rows, by independent oracles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sacrebleu
import test_tagging
from seqeval.metrics import f1_score, precision_score, recall_score

import tiny
from trimtab.data import load_splits
from trimtab.errors import TrimtabError
from trimtab.evaluation import commonest_tag_of_token, compare_texts, entity_counts, paired_f1_test, read_report
from trimtab.evaluation.written import nearest_answer
from trimtab.jobs import compare, compare_runs, tune
from trimtab.jobs.cells import Material
from trimtab.jobs.compare import Wanted
from trimtab.jobs.ways import pick_ways
from trimtab.spec import Task
from trimtab.task_file import make_task

ANSWERS = {"positive": ["a good film", "I liked it"], "negative": ["a bad film", "I did not like it"]}
QUICK = {
    "tags": ("majority", "token_majority", "head", "soft_prompt"),
    "text": ("nearest_answer", "zero_shot", "few_shot", "soft_prompt", "lora"),
}
TRAIN = {"steps": 6, "evaluate_every": 3, "checkpoint_seconds": 0}


class Killed(BaseException):
    """Stands in for a kill: nothing cleans up after it."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    for name, n, seed in (("train", 40, 1), ("dev", 12, 2), ("test", 20, 3)):
        tiny.write_rows(folder / f"tags-{name}.jsonl", test_tagging.rows(n, seed))
        said = [{"text": r["text"], "answer": ANSWERS[r["label"]]} for r in tiny.rows(n, seed)]
        tiny.write_rows(folder / f"text-{name}.jsonl", said)
    return folder


def settings(kind: str, folder: Path, **changes: Any) -> Task:
    content = tiny.task(folder, labels={}, answer={"kind": kind}, train=TRAIN, data=None)
    content["data"] = {part: f"{kind}-{part}.jsonl" for part in ("train", "dev", "test")}
    if kind == "text":
        content["data"]["label"] = "answer"
        content["answer"] |= {"metrics": ["BLEU", "chrF", "EM", "length ratio"], "max_tokens": 8}
    for name, value in changes.items():
        content[name] = {**content.get(name, {}), **value}
    return make_task(content)


@pytest.fixture(scope="module")
def made(data: Path, tiny_folder: Path, pretrained: Any) -> dict[str, Any]:
    """A comparison of each kind, with everything there is to find out."""
    return {
        kind: compare.run(
            settings(kind, tiny_folder), data / f"out-{kind}",
            Wanted(methods=QUICK[kind], curve=(16,), without_prompt=True, seeds=1), base=data, pretrained=pretrained,
        )
        for kind in QUICK
    }  # fmt: skip


def kept(folder: Path, key: str, rows: int = 40) -> list[Any]:
    """What a way answered, from its cell."""
    [path] = (folder / "cells").glob(f"{key}-{rows}-0-*.json")
    return list(json.loads(path.read_text())["answers"])


def test_tags_are_compared_by_f1_of_entities(made: dict[str, Any], data: Path, tiny_folder: Path) -> None:
    tags = made["tags"]
    task = settings("tags", tiny_folder)
    splits = load_splits(task.data, ["tokens"], task.answer, base=data)
    right = [list(e.tags or ()) for e in splits.test]
    ways = {way.key: way for way in tags.ways}
    assert (tags.answer, tags.metric.name, tags.reference, tags.left_out) == ("tags", "entity F1", "soft_prompt", [])
    assert [other.name for other in tags.others] == ["precision", "recall", "macro F1", "token accuracy"]
    for key in QUICK["tags"]:
        given = kept(data / "out-tags", key)
        assert ways[key].score == pytest.approx(f1_score(right, given, zero_division=0))
        assert ways[key].mean("precision") == pytest.approx(precision_score(right, given, zero_division=0))
        assert ways[key].mean("recall") == pytest.approx(recall_score(right, given, zero_division=0))
    assert kept(data / "out-tags", "token_majority") == commonest_tag_of_token(splits.train, splits.test)
    assert ways["majority"].name == "commonest tag"
    assert ways["majority"].score == 0
    counts = [entity_counts(splits.test, kept(data / "out-tags", key)) for key in ("token_majority", "soft_prompt")]
    assert ways["token_majority"].difference.p_value == paired_f1_test(*counts)
    assert ways["token_majority"].difference.test == "randomisation"
    assert tags.chosen == "token_majority"
    gap = 100 * ways["token_majority"].score
    assert tags.choose.startswith(f"Choose commonest tag of each token: entity F1 {gap:.1f}%, really better than every")


def test_texts_are_compared_by_the_first_metric(made: dict[str, Any], data: Path, tiny_folder: Path) -> None:
    text = made["text"]
    task = settings("text", tiny_folder)
    splits = load_splits(task.data, ["text"], task.answer, base=data)
    references = [list(e.references) for e in splits.test]
    ways = {way.key: way for way in text.ways}
    assert (text.metric.name, text.metric.unit, text.left_out) == ("BLEU", "points", [])
    assert [other.name for other in text.others] == ["chrF", "EM", "length ratio"]
    streams = [list(column) for column in zip(*references, strict=True)]
    for key in QUICK["text"]:
        given = kept(data / "out-text", key)
        assert 100 * ways[key].score == pytest.approx(sacrebleu.corpus_bleu(given, streams).score)
        assert 100 * ways[key].mean("chrF") == pytest.approx(sacrebleu.corpus_chrf(given, streams).score)
        assert ways[key].mean("EM") == np.mean([g in own for g, own in zip(given, references, strict=True)])
    near = kept(data / "out-text", "nearest_answer")
    assert near == nearest_answer(splits.train, splits.test)
    [against] = compare_texts(near, kept(data / "out-text", "soft_prompt"), references, metrics=["BLEU"])
    difference = ways["nearest_answer"].difference
    assert (difference.p_value, difference.test) == (against.p_value, "randomisation")
    assert difference.points == pytest.approx(against.difference / 100)
    assert text.chosen == "nearest_answer"
    assert text.choose.startswith(
        f"Choose nearest answer: BLEU {100 * ways['nearest_answer'].score:.1f}, really better than every other way; "
    )


def test_scores_and_intervals_are_those_of_the_report(
    made: dict[str, Any], data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any
) -> None:
    for kind, comparison in made.items():
        way = next(way for way in comparison.ways if way.key == "soft_prompt")
        tune.run(settings(kind, tiny_folder), tmp_path / kind, base=data, beside=False, pretrained=pretrained)
        report = read_report(tmp_path / kind / "report.json")
        if kind == "tags":
            assert report.tags is not None
            assert report.tags.test is not None
            assert way.score == report.tags.test.f1
            assert way.interval == pytest.approx(report.tags.test.intervals["f1"])
        else:
            assert report.written is not None
            assert report.written.test is not None
            figure = report.written.test.headline
            assert figure.interval is not None
            assert 100 * way.score == pytest.approx(figure.value)
            assert [100 * end for end in way.interval] == pytest.approx(list(figure.interval))


@pytest.mark.parametrize("kind", QUICK)
def test_curves_and_what_is_left_without_the_prompt(kind: str, made: dict[str, Any]) -> None:
    comparison = made[kind]
    for line in comparison.curves:
        assert [rows for rows, _, _ in line.points] == [16, 40]
    assert {line.key: line.points[-1][1] for line in comparison.curves} == {w.key: w.score for w in comparison.ways}
    ways = {way.key: way for way in comparison.ways}
    tuned = [way for way in comparison.ways if way.kind == "tuned"]
    assert all(0 <= way.without_prompt <= 1 for way in tuned)
    if kind == "text":
        assert ways["soft_prompt"].without_prompt == ways["zero_shot"].score
    else:  # the layer that was trained along is left, on hidden states it was not made for
        assert ways["soft_prompt"].without_prompt != ways["soft_prompt"].score


def test_rows_that_are_answered_most_differently_are_shown_as_they_read(made: dict[str, Any], data: Path) -> None:
    [first, *_] = made["tags"].disagreements
    assert set(first.answers) == set(QUICK["tags"]) == set(first.scores)
    apart = [max(row.scores.values()) - min(row.scores.values()) for row in made["tags"].disagreements]
    assert apart == sorted(apart, reverse=True)
    assert first.answers["majority"] == "no entity"
    assert {entry.split(": ")[0] for entry in first.answer.split("; ")} <= {"praise", "blame", "part"}
    for row in made["text"].disagreements:
        assert row.answer in {texts[0] for texts in ANSWERS.values()}
        assert len(set(row.answers.values())) > 1


def test_pages_say_what_the_figures_are(made: dict[str, Any], data: Path) -> None:
    page = (data / "out-text" / "compare.html").read_text(encoding="utf-8")
    assert 'data-name="BLEU" data-first="descending" aria-sort="descending"' in page
    assert 'data-name="ChrF" data-first="descending"' in page or 'data-name="chrF" data-first="descending"' in page
    assert "Every metric" in page
    assert "approximate randomisation (for ways of one seed)" in page
    page = (data / "out-tags" / "compare.html").read_text(encoding="utf-8")
    assert 'data-name="Entity F1" data-first="descending" aria-sort="descending"' in page
    for html in (page,):
        assert "ccuracy and" not in html


@pytest.mark.parametrize("kind", QUICK)
def test_nothing_is_measured_twice_though_metrics_change(
    kind: str, made: dict[str, Any], data: Path, tiny_folder: Path, pretrained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(tune, "run", refuse)
    wanted = Wanted(methods=QUICK[kind], curve=(16,), without_prompt=True)
    again = compare.run(settings(kind, tiny_folder), data / f"out-{kind}", wanted, base=data, pretrained=pretrained)
    assert [(w.key, w.scores) for w in again.ways] == [(w.key, w.scores) for w in made[kind].ways]
    assert again.ways[0].beside == made[kind].ways[0].beside
