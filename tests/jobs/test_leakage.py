"""Rows that were trained on, through the jobs: warned of first, with the score of the others, or left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import answer_rows
import tagged_rows
import tiny
from trimtab.errors import TrimtabError
from trimtab.jobs import compare, compare_runs, evaluate, tune
from trimtab.reports.files import read_report
from trimtab.runs.trained_on import TRAINED_ON_FILE, trained_on
from trimtab.settings.file import make_task, read_task
from trimtab.ways.wanted import Wanted

SHORT = {"steps": 2, "evaluate_every": 2}


@pytest.fixture
def data(tmp_path: Path, tiny_folder: Path) -> Path:
    """A task whose test has six of 30 rows in train, four of them in capitals; its dev is new."""
    train = tiny.rows(64, 1)
    known = [*train[:2], *({**row, "text": row["text"].upper() + " !"} for row in train[2:6])]
    new = [{**row, "text": f"{row['text']} {i}"} for i, row in enumerate(tiny.rows(24, 3))]
    tiny.write_rows(tmp_path / "reviews.jsonl", [{**row, "text": row["text"]} for row in train])
    tiny.write_rows(
        tmp_path / "dev.jsonl", [{**row, "text": f"{row['text']} {i}"} for i, row in enumerate(tiny.rows(24, 2))]
    )
    tiny.write_rows(tmp_path / "test.jsonl", [*known, *new])
    tiny.write_rows(tmp_path / "new.jsonl", new)
    path = tiny.write_task(tmp_path, tiny_folder, train=SHORT)
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["data"]["shift"] = "none"  # the numbers behind the texts are words that train lacks
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return tmp_path


def leaked(path: Path) -> tuple[int, int]:
    """Rows of test that stand in train as they are, and further ones that do in other case, by plain comparison."""
    read = [[json.loads(line)["text"] for line in (path / f"{name}.jsonl").read_text().splitlines()]
            for name in ("reviews", "test")]  # fmt: skip
    exact = sum(text in read[0] for text in read[1])
    alike = {" ".join(text.lower().replace(",", " ").replace("!", " ").split()) for text in read[0]}
    both = sum(" ".join(text.lower().replace(",", " ").replace("!", " ").split()) in alike for text in read[1])
    return exact, both - exact


def test_a_report_warns_first_and_scores_the_others(data: Path, pretrained: Any) -> None:
    notes: list[str] = []
    task = read_task(data / "task.yaml")
    tuned = tune.run(
        task, data / "run", base=data, pretrained=pretrained, on_plan=lambda _task, _plan, said: notes.extend(said)
    )
    exact, alike = leaked(data)
    assert (exact, alike) == (2, 4)
    said = (
        "6 of the 30 test rows stand in train too (2 word for word, 4 but for case, width, punctuation or Unicode form)"
    )
    assert f"{said}: what is reached on them says little" in notes
    others = evaluate.run(data / "run", test=str(data / "new.jsonl"), out=data / "new", pretrained=pretrained)
    assert others.warnings == []
    assert tuned.report is not None
    assert tuned.report.warnings == [
        f"{said}: on the other 24 it reaches accuracy {100 * others.scored.test.accuracy:.1f}%."
    ]
    assert read_report(data / "run" / "report.json").warnings == tuned.report.warnings


def test_every_row_known(data: Path, pretrained: Any) -> None:
    task = read_task(data / "task.yaml", ["data.test=reviews.jsonl"])
    report = tune.run(task, data / "run", base=data, pretrained=pretrained).report
    assert report is not None
    assert report.warnings == [
        "All 64 test rows stand in train too (64 word for word): its score says nothing of rows that are new."
    ]


def test_a_comparison_says_what_each_way_reaches_on_the_others(data: Path, pretrained: Any) -> None:
    wanted = Wanted(methods=["majority", "naive_bayes", "zero_shot"])
    made = compare.run(read_task(data / "task.yaml"), data / "out", wanted, base=data, pretrained=pretrained)
    clean = read_task(data / "task.yaml", ["data.test=new.jsonl"])
    others = compare.run(clean, data / "clean", wanted, base=data, pretrained=pretrained)
    assert others.warnings == []
    listed = ", ".join(f"{way.name} {100 * way.score:.1f}%" for way in others.ways)
    assert made.warnings == [
        "6 of the 30 test rows stand in train too (2 word for word, 4 but for case, width, punctuation or Unicode "
        f"form). Accuracy on the other 24: {listed}."
    ]
    assert made.warnings[0] in (data / "out" / "compare.html").read_text()
    known = read_task(data / "task.yaml", ["data.test=reviews.jsonl"])
    made = compare.run(known, data / "known", Wanted(methods=["majority"]), base=data, pretrained=pretrained)
    assert made.warnings == [
        "All 64 test rows stand in train too (64 word for word): the scores say nothing of rows that are new."
    ]


def test_runs_are_compared_on_rows_that_none_was_trained_on(data: Path, pretrained: Any) -> None:
    """B was trained on half of what both are scored on."""
    rows = [json.loads(line) for line in (data / "new.jsonl").read_text().splitlines()]
    tiny.write_rows(data / "b.jsonl", [*tiny.rows(40, 9), *rows[:12]])
    for name, train in (("a", "reviews.jsonl"), ("b", "b.jsonl")):
        task = read_task(data / "task.yaml", [f"data.train={train}", "data.test=new.jsonl"])
        tune.run(task, data / name, base=data, report=False, pretrained=pretrained)
    a, b = data / "a", data / "b"
    made = compare_runs.run([a, b], pretrained=pretrained)
    assert made.test_rows == 12
    assert made.warnings == [f"12 of 24 test rows, on which {b} was trained, left out."]
    known = tiny.write_rows(data / "known.jsonl", rows[:12])
    with pytest.raises(TrimtabError) as refused:
        compare_runs.run([a, b], test=str(known), pretrained=pretrained)
    assert str(refused.value) == (
        "every test row is one that a run was trained on. Name other rows to score with --test."
    )
    (b / TRAINED_ON_FILE).unlink()
    made = compare_runs.run([a, b], pretrained=pretrained)
    assert made.test_rows == 24
    assert made.warnings == [f"{b} does not say what it was trained on: rows that it knows cannot be told."]


@pytest.mark.parametrize("kind", ["number", "tags"])
def test_other_kinds_of_answers(kind: str, tmp_path: Path, tiny_folder: Path, pretrained: Any) -> None:
    made = answer_rows.numbers if kind == "number" else tagged_rows.rows
    rows = made(40, 1)
    tiny.write_rows(tmp_path / "train.jsonl", rows)
    tiny.write_rows(tmp_path / "test.jsonl", [*rows[:3], *made(20, 5)])
    places = {"train": "train.jsonl", "dev": "test.jsonl", "test": "test.jsonl"}
    if kind == "number":
        task = answer_rows.settings("number", tiny_folder, data=places, train=SHORT)
    else:
        task = tagged_rows.settings(tiny_folder, data=places, train=SHORT)
    report = tune.run(task, tmp_path / "run", base=tmp_path, beside=False, pretrained=pretrained).report
    assert report is not None
    metric = {"number": "R²", "tags": "entity F1"}[kind]
    assert [warning.split(" rows stand")[0][-4:] for warning in report.warnings] == ["test", " dev"]
    assert all(f"it reaches {metric}" in warning for warning in report.warnings)
    assert trained_on(tmp_path / "run") is not None


def test_a_task_without_leaks_has_no_warning(tmp_path: Path, tiny_folder: Path, pretrained: Any) -> None:
    for name, n, seed in (("reviews", 40, 1), ("dev", 12, 2), ("test", 12, 3)):
        rows = [{**row, "text": f"{row['text']} {name} {i}"} for i, row in enumerate(tiny.rows(n, seed))]
        tiny.write_rows(tmp_path / f"{name}.jsonl", rows)
    task = make_task(tiny.task(tiny_folder, train=SHORT))
    task = task.model_copy(update={"data": task.data.model_copy(update={"shift": "none"})})
    report = tune.run(task, tmp_path / "run", base=tmp_path, pretrained=pretrained).report
    assert report is not None
    assert report.warnings == []


def test_rows_of_other_tasks_are_trained_on_too(data: Path, tiny_folder: Path, pretrained: Any) -> None:
    """Five of the 24 test rows belong to a task that is trained along, and so to what a later run starts from."""
    rows = [json.loads(line) for line in (data / "new.jsonl").read_text().splitlines()]
    others = [{**row, "text": f"{row['text']} other {i}"} for i, row in enumerate(tiny.rows(20, 9))]
    tiny.write_rows(data / "others.jsonl", [*rows[:5], *others])
    other = tiny.task(tiny_folder, name="other", data={"train": "others.jsonl", "dev": "dev.jsonl", "test": None})
    (data / "other.yaml").write_text(yaml.safe_dump(other))
    content = tiny.task(tiny_folder, data={"test": "new.jsonl", "shift": "none"}, train=SHORT)
    content["method"] = {"name": "multitask_prompt", "length": 4, "rank": 1, "sources": ["other.yaml"]}
    notes: list[str] = []
    tuned = tune.run(
        make_task(content), data / "run", base=data, pretrained=pretrained, beside=False,
        on_plan=lambda _task, _plan, said: notes.extend(said),
    )  # fmt: skip
    said = "5 of the 24 test rows stand in train too (5 word for word)"
    assert [note for note in notes if said in note] == [
        f"method.sources: other.yaml: {said}: what is reached on them says little"
    ]
    assert tuned.report is not None
    [warning] = tuned.report.warnings
    assert warning.startswith(f"{said}: on the other 19 it reaches accuracy ")
    [again] = evaluate.run(data / "run", out=data / "again", beside=False, pretrained=pretrained).warnings
    assert again == warning
    seen = trained_on(data / "run")
    assert seen is not None
    content["method"] = {"name": "soft_prompt", "length": 4, "init": "run", "init_run": "run"}
    tune.run(make_task(content), data / "later", base=data, pretrained=pretrained, report=False)
    assert trained_on(data / "later") == seen
