"""Comparisons of ways to tag and of ways to say something: the same rows, by independent oracles."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sacrebleu
from seqeval.metrics import f1_score, precision_score, recall_score

import needs
import tagged_rows
import tiny
from trimtab import load_splits
from trimtab.errors import TrimtabError
from trimtab.evaluation.baselines.commonest_tag_of_token import commonest_tag_of_token
from trimtab.evaluation.baselines.hmm.tagger import hmm_tags
from trimtab.evaluation.baselines.nearest_answer import nearest_answer
from trimtab.evaluation.metrics.compare import compare_texts
from trimtab.evaluation.scores.tags import tags_p_value
from trimtab.jobs import compare, compare_runs, tune
from trimtab.reports.files import read_report
from trimtab.sandbox import box
from trimtab.settings.file import make_task
from trimtab.settings.task import Task
from trimtab.ways.wanted import Wanted

ANSWERS = {
    "positive": ["it is a good film", "I liked it very much"],
    "negative": ["it is a bad film", "I did not like it"],
}
QUICK = {
    "tags": ("majority", "token_majority", "hmm", "head", "soft_prompt"),
    "text": ("nearest_answer", "zero_shot", "few_shot", "soft_prompt"),
}
TRAIN = {"steps": 6, "evaluate_every": 3, "checkpoint_seconds": 0}


class Killed(BaseException):
    """Stands in for a kill: nothing cleans up after it."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    for name, n, seed in (("train", 40, 1), ("dev", 8, 2), ("test", 16, 3)):
        tiny.write_rows(folder / f"tags-{name}.jsonl", tagged_rows.rows(n, seed))
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
    assert kept(data / "out-tags", "hmm") == hmm_tags(splits.train, splits.test)
    assert ways["majority"].name == "commonest tag"
    assert ways["majority"].score == 0
    answers = [kept(data / "out-tags", key) for key in ("token_majority", "soft_prompt")]
    expected = tags_p_value(splits.test, *answers)
    assert ways["token_majority"].difference.p_value == pytest.approx(expected, abs=0.02)
    assert ways["token_majority"].difference.test == "randomisation"
    assert tags.chosen == "token_majority"
    gap = 100 * ways["token_majority"].score
    assert tags.choose.startswith(
        f"Choose the commonest tag of each token: entity F1 {gap:.1f}%, and no other way is really better"
    )


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
    assert (difference.p_value, difference.test) == (pytest.approx(against.p_value, abs=0.02), "randomisation")
    assert difference.points == pytest.approx(against.difference / 100)
    assert text.chosen == "nearest_answer"
    reached = 100 * ways["nearest_answer"].score
    assert text.choose.startswith(f"Choose the nearest answer: BLEU {reached:.1f}, really better than every other way;")


def test_scores_and_intervals_are_those_of_the_report(
    made: dict[str, Any], data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any
) -> None:
    for kind, comparison in made.items():
        way = next(way for way in comparison.ways if way.key == "soft_prompt")
        tune.run(settings(kind, tiny_folder), tmp_path / kind, base=data, beside=False, pretrained=pretrained)
        report = read_report(tmp_path / kind / "report.json")
        if kind == "tags":
            assert report.scored.kind == "tags"
            assert report.scored.test is not None
            assert way.score == report.scored.test.f1
            assert way.interval == report.scored.test.intervals["f1"]
        else:
            assert report.scored.kind == "text"
            assert report.scored.test is not None
            figure = report.scored.test.headline
            assert figure.interval is not None
            assert 100 * way.score == pytest.approx(figure.value)
            assert 100 * way.interval.low == pytest.approx(figure.interval.low)
            assert 100 * way.interval.high == pytest.approx(figure.interval.high)


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
    assert 'data-name="chrF" data-first="descending"' in page
    assert "Every metric" in page
    assert "approximate randomisation (for ways of one seed)" in page
    page = (data / "out-tags" / "compare.html").read_text(encoding="utf-8")
    assert 'data-name="Entity F1" data-first="descending" aria-sort="descending"' in page
    assert "Entity F1 in % on the same 16 test rows" in page
    assert 'data-name="Precision"' in page
    assert 'data-name="Macro F1"' not in page  # in the list of every metric


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


def test_other_metrics_measure_no_way_again(
    data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Wanted(methods=("nearest_answer", "soft_prompt"))
    compare.run(settings("text", tiny_folder), tmp_path, wanted, base=data, pretrained=pretrained)
    monkeypatch.setattr(tune, "run", lambda *_, **__: pytest.fail("trained again"))
    other = settings("text", tiny_folder, answer={"metrics": ["F1"], "tests": "text"})
    made = compare.run(other, tmp_path, wanted, base=data, pretrained=pretrained)
    assert (made.metric.name, made.metric.unit, made.others) == ("F1", "share", [])
    assert made.notes[-1] == (
        "No program was run: ways are compared by F1 of their text, not by the tests in 'text', which --run-code runs."
    )


def problems(n: int) -> list[dict[str, str]]:
    return [
        {"text": f"add {i}", "answer": f"def f(x): return x + {i}", "check": f"assert f(1) == {i} + 1"}
        for i in range(n)
    ]


def test_programs_are_run_where_asked_for(
    tiny_folder: Path, tmp_path: Path, pretrained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest answer is that of the same row of train: it passes, but where the row's tests want something else."""
    needs.namespaces()
    for name in ("train", "dev", "test"):
        rows = problems(8)
        rows[0]["check"] = rows[5]["check"] = "assert f(1) == -1"
        tiny.write_rows(tmp_path / f"text-{name}.jsonl", rows)
    task = settings("text", tiny_folder, answer={"tests": "check", "metrics": ["chrF"]})
    wanted = Wanted(methods=("nearest_answer", "zero_shot"), reference="zero_shot", run_code=True)
    made = compare.run(task, tmp_path / "out", wanted, base=tmp_path, pretrained=pretrained)
    assert (made.metric.name, [other.name for other in made.others]) == ("pass@1", ["chrF"])
    scores = {way.key: way.score for way in made.ways}
    assert scores == {"nearest_answer": 0.75, "zero_shot": 0.0}
    # Six rows differ, all to one side: of their 64 exchanges 2 are as extreme.
    assert made.ways[0].difference.p_value == pytest.approx(2 / 64, abs=0.01)
    assert not any("No program was run" in note for note in made.notes)
    ran: list[str] = []
    monkeypatch.setattr(box, "run_program", lambda program, *_: ran.append(program))
    again = compare.run(task, tmp_path / "out", wanted, base=tmp_path, pretrained=pretrained)
    assert [way.scores for way in again.ways] == [way.scores for way in made.ways]
    assert ran == [""]  # whether it could


def test_programs_of_runs_are_run_where_asked_for(
    tiny_folder: Path, tmp_path: Path, pretrained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, str]] = []
    passed = SimpleNamespace(result="passed")
    monkeypatch.setattr(box, "run_program", lambda program, tests: ran.append((program, tests)) or passed)
    for name in ("train", "dev", "test"):
        tiny.write_rows(tmp_path / f"text-{name}.jsonl", problems(8))
    folders = [tmp_path / "a", tmp_path / "b"]
    for seed, folder in enumerate(folders):
        task = settings("text", tiny_folder, answer={"tests": "check", "metrics": ["chrF"]}, train={"seed": seed})
        tune.run(task, folder, base=tmp_path, report=False, pretrained=pretrained)
    plain = compare_runs.run(folders, pretrained=pretrained)
    assert (plain.metric.name, ran) == ("chrF", [])
    made = compare_runs.run(folders, run_code=True, pretrained=pretrained)
    assert (made.metric.name, [way.score for way in made.ways]) == ("pass@1", [1.0, 1.0])
    assert {tests for _, tests in ran} == {"", *(str(row["check"]) for row in problems(8))}


def test_there_must_be_tests_to_run(data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any) -> None:
    for kind in QUICK:
        with pytest.raises(TrimtabError) as caught:
            compare.run(settings(kind, tiny_folder), tmp_path, Wanted(run_code=True), base=data, pretrained=pretrained)
        assert str(caught.value) == (
            "--run-code: the task names no column of tests, so there are no programs to run. Set answer.tests, or "
            "leave --run-code out."
        )


@pytest.mark.parametrize("kind", QUICK)
def test_several_seeds_and_a_kill_between_them(
    kind: str, data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any
) -> None:
    task = settings(kind, tiny_folder)
    wanted = Wanted(methods=(QUICK[kind][0], "soft_prompt"), seeds=2)
    begun: list[int] = []

    def die(record: Any, plan: Any) -> None:
        begun.append(record.step)
        if len(begun) == 6 + 4:
            raise Killed

    with pytest.raises(Killed):
        compare.run(task, tmp_path / "out", wanted, base=data, pretrained=pretrained, on_step=die)
    steps: list[int] = []
    made = compare.run(
        task, tmp_path / "out", wanted, base=data, pretrained=pretrained, on_step=lambda r, _: steps.append(r.step)
    )
    assert steps == [4, 5, 6]
    ways = {way.key: way for way in made.ways}
    tuned, other = ways["soft_prompt"], ways[QUICK[kind][0]]
    assert (tuned.seeds, other.seeds) == ([0, 1], [0])
    assert tuned.score == pytest.approx(np.mean(tuned.scores))
    assert other.difference.test == "sign flips over rows and seeds"
    assert [len(values) for values in tuned.beside.values()] == [2] * len(made.others)
    page = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "Seed by seed" in page


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        ("distinct-1", "distinct-1 is no sum over rows, so that nothing says what of a difference is chance"),
        ("length ratio", "length ratio is better neither when higher nor when lower"),
    ],
)
def test_metrics_that_ways_cannot_be_compared_by(
    metric: str, why: str, data: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    task = settings("text", tiny_folder, answer={"metrics": [metric, "chrF"]})
    with pytest.raises(TrimtabError) as caught:
        compare.run(task, tmp_path, base=data)
    assert str(caught.value) == (
        f"answer.metrics: ways are compared by the first metric, and {why}. Put another one first, chrF say."
    )


@pytest.mark.parametrize("kind", QUICK)
def test_one_row_and_no_test(kind: str, data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any) -> None:
    lines = (data / f"{kind}-dev.jsonl").read_text(encoding="utf-8").splitlines()
    (data / f"{kind}-one.jsonl").write_text(f"{lines[0]}\n", encoding="utf-8")
    task = settings(kind, tiny_folder, data={"dev": f"{kind}-one.jsonl", "test": None})
    made = compare.run(task, tmp_path, Wanted(methods=QUICK[kind]), base=data, pretrained=pretrained)
    assert (made.split, made.rows, made.left_out) == ("dev", 1, [])
    for way in made.ways:  # one row tells next to nothing of a share; a bootstrap of it has no width
        width = way.interval.high - way.interval.low
        assert way.interval.low <= way.score <= way.interval.high
        assert width > 0.7 if kind == "tags" else width == pytest.approx(0)
    assert all(way.difference.p_value == 1 for way in made.ways if way.difference)
    assert made.notes[-1] == (
        "The figures are of dev, on which the best step of tuned ways was chosen: they flatter those."
    )


@pytest.mark.parametrize("kind", QUICK)
def test_runs_on_the_same_rows(kind: str, data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any) -> None:
    for name, seed in (("a", 0), ("b", 1)):
        task = settings(kind, tiny_folder, train={"seed": seed})
        tune.run(task, tmp_path / name, base=data, beside=False, pretrained=pretrained)
    made = compare_runs.run([tmp_path / "a", tmp_path / "b"], out=tmp_path / "both", pretrained=pretrained)
    assert (made.answer, made.reference, len(made.ways)) == (kind, str(tmp_path / "a"), 2)
    for way in made.ways:
        report = read_report(Path(way.name) / "report.json")
        if kind == "tags":
            assert report.scored.kind == "tags"
            assert report.scored.test is not None
            assert way.score == report.scored.test.f1
        else:
            assert report.scored.kind == "text"
            assert report.scored.test is not None
            assert 100 * way.score == pytest.approx(report.scored.test.headline.value)
    assert (tmp_path / "both" / "compare.html").exists()


def test_dialogues_are_compared_and_what_cannot_answer_them_is_left_out(
    tiny_folder: Path, tmp_path: Path, pretrained: Any
) -> None:
    said = [
        {"messages": [{"role": "user", "content": r["text"]}, {"role": "assistant", "content": ANSWERS[r["label"]][0]}]}
        for r in tiny.rows(24, 5)
    ]
    for part, rows in (("train", said[:12]), ("dev", said[12:18]), ("test", said[18:])):
        tiny.write_rows(tmp_path / f"{part}.jsonl", rows)
    content = tiny.task(tiny_folder, labels={}, answer={"kind": "text", "max_tokens": 6}, train=TRAIN)
    content |= {"data": {part: f"{part}.jsonl" for part in ("train", "dev", "test")}}
    content |= {"template": {"text": "{messages}"}}
    wanted = Wanted(methods=("nearest_answer", "few_shot", "soft_prompt", "lora"), without_prompt=True)
    made = compare.run(make_task(content), tmp_path / "out", wanted, base=tmp_path, pretrained=pretrained)
    [left] = made.left_out
    assert (left.name, left.why) == (
        "few-shot",
        "method 'few_shot' shows examples as plain text, and rows of this task are turns of a dialogue. Choose another "
        "method, or set template.chat to false",
    )
    assert {way.key: way.without_prompt is not None for way in made.ways} == {
        "nearest_answer": False, "soft_prompt": True, "lora": True,
    }  # fmt: skip


def test_the_command_line(data: Path, tiny_folder: Path, trimtab: Any) -> None:
    content = settings("text", tiny_folder).model_dump(mode="json")
    content["data"] = {**content["data"], **{part: f"text-{part}.jsonl" for part in ("train", "dev", "test")}}
    (data / "text.json").write_text(json.dumps(content), encoding="utf-8")
    done = trimtab("compare", data / "text.json", "--out", "out", "--methods", "nearest_answer,soft_prompt")
    assert done.code == 0, done.err
    assert [name.strip() for name in done.out.splitlines()[2].split("┃")[1:-1]] == [
        "way", "BLEU", "95% interval", "chrF", "EM", "points", "p", "trained", "training",
    ]  # fmt: skip
    assert "Choose the nearest answer: BLEU " in done.out


def test_a_budget_takes_the_most_telling_ways_first_and_says_what_it_left_out(
    data: Path, tiny_folder: Path, tmp_path: Path, pretrained: Any
) -> None:
    task = settings("text", tiny_folder, train={"steps": 1_000_000})
    wanted = Wanted(methods=("soft_prompt", "zero_shot", "nearest_answer"), budget_seconds=60, reference="zero_shot")
    begun: list[str] = []
    made = compare.run(
        task, tmp_path, wanted, base=data, pretrained=pretrained, on_cell=lambda way, *_: begun.append(way.key)
    )
    assert begun == ["nearest_answer", "zero_shot"]
    [left] = made.left_out
    assert left.key == "soft_prompt"
    assert left.why.startswith("it would take about ")
