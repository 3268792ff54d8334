"""Ready tasks: listed, written, never over what is there; each loads, binds, tunes and answers on a tiny backbone."""

from __future__ import annotations

import json
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import needs
import tiny
from trimtab import load_splits
from trimtab.backbones.pretrained import Pretrained, load
from trimtab.errors import TrimtabError
from trimtab.inference.request import Request
from trimtab.jobs import new, predict, tune
from trimtab.kinds.bind import bind
from trimtab.kinds.choose import kind_of, template_of
from trimtab.sandbox.box import run_program
from trimtab.settings.file import read_task

NAMES = sorted(path.stem for path in new.TASKS.glob("*.yaml"))
ASKED_FOR = {
    "sentiment", "sentiment-zh", "headline-topic-zh", "moderation", "message-topics", "news", "summary", "title-zh",
    "translate-en-zh", "translate-zh-en", "question-answering", "reading", "reading-zh", "customer-service",
    "data-to-text", "entities", "code",
    "poem-zh", "legal-questions", "medical-questions",
}  # fmt: skip
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def wide(tmp_path_factory) -> Pretrained:
    """The tiny backbone with room for rows in which a Chinese character is three tokens."""
    import torch

    torch.set_num_threads(1)
    folder = tiny.save_backbone(tmp_path_factory.mktemp("wide") / "tiny", context=4096)
    return load(folder, tmp_path_factory.mktemp("cache"), name=str(folder), precision="float32")


def test_all_ready_tasks_are_there_and_are_those_of_the_examples():
    assert set(NAMES) == ASKED_FOR
    shown = {path.name: path.read_bytes() for path in (EXAMPLES / "ready").iterdir()}
    assert shown == {path.name: path.read_bytes() for path in new.TASKS.iterdir()}
    assert len(shown) == 3 * len(NAMES)


def test_the_wheel_takes_them_along():
    settings = tomllib.loads((EXAMPLES.parent / "pyproject.toml").read_text("utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"]["trimtab"]
    for path in new.TASKS.iterdir():
        assert any(fnmatch(f"ready/{path.name}", pattern) for pattern in patterns)


def labels_of(answer):
    return answer if isinstance(answer, list) else [answer]


@pytest.mark.parametrize("name", NAMES)
def test_a_ready_task_says_what_it_is_and_has_rows_of_its_own(name):
    path = new.TASKS / f"{name}.yaml"
    task, comment = read_task(path), path.read_text(encoding="utf-8").split("name:")[0]
    assert task.name == name
    assert task.task
    assert task.backbone == ("gemma3-270m" if task.language == "zh" else "smollm2-135m")
    told = " ".join(comment.replace("\n#", "").split())
    assert f"{name}.jsonl and {name}-test.jsonl are a small sample, written for Trimtab" in told
    assert ("models gemma3-270m --agree" in told) == (task.backbone == "gemma3-270m")
    assert bool(task.notice) == (name in {"news", "code", "legal-questions", "medical-questions"})
    rows = {
        end: [json.loads(line) for line in (new.TASKS / f"{name}{end}.jsonl").read_text("utf-8").splitlines()]
        for end in ("", "-test")
    }
    assert 12 <= len(rows[""]) <= 24
    assert len(rows["-test"]) >= 6
    used = {*template_of(task).fields, *([] if name == "customer-service" else [task.data.label])}
    if name == "code":
        used.add(task.answer.tests)
    assert all(set(row) == used for part in rows.values() for row in part)
    inputs = [tuple(str(row[field]) for field in template_of(task).fields) for part in rows.values() for row in part]
    assert len(set(inputs)) == len(inputs)
    if task.answer.kind == "text":
        assert task.answer.max_tokens
    elif task.answer.kind == "span":
        found = [row for part in rows.values() for row in part]
        assert all(answer in row["context"] for row in found for answer in row["answers"])
        assert any(not row["answers"] for row in found) == (name == "reading")
    else:
        train, test = (
            {label for row in rows[end] for label in labels_of(row[task.data.label])} for end in ("", "-test")
        )
        assert train == test == set(task.labels.words)


def test_the_programs_among_the_sample_rows_pass_their_tests():
    needs.namespaces()
    for end in ("", "-test"):
        for line in (new.TASKS / f"code{end}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            assert run_program(row["code"], row["tests"]).result == "passed", row["function"]
            assert run_program("pass", row["tests"]).result == "failed", row["function"]


@pytest.mark.parametrize("name", NAMES)
def test_a_ready_task_tunes_and_answers(name, wide, tmp_path):
    overrides = [
        "train.steps=2", "train.batch_size=4", "train.threads=1", "train.precision=float32", "method.length=4",
        "template.max_tokens=null",
    ]  # fmt: skip
    [path, *_] = new.run(name, tmp_path)
    task = read_task(path, overrides)
    splits = load_splits(task.data, template_of(task).fields, task.answer, base=tmp_path)
    bound = bind(task, kind_of(task.answer).words(task, splits.train), wide)
    rows = bound.encode([*splits.train, *splits.dev, *splits.test])
    assert all(row.cut == 0 for row in rows)
    tune.run(task, tmp_path / "run", base=tmp_path, pretrained=wide, report=False)
    engine = predict.open_engine(tmp_path / "run", pretrained=wide)
    decoding = task.answer.model_copy(update={"max_tokens": 6}) if task.answer.kind == "text" else None
    asked = [Request("run", e.fields, e.where, decoding=decoding) for e in splits.test[:2]]
    for answer in engine.answer(asked):
        if task.answer.kind == "text":
            assert len(answer.texts) == 1
        elif task.answer.kind == "span":
            assert answer.label in asked[0].fields["context"] or answer.label in asked[1].fields["context"]
        else:
            assert set(answer.probabilities) == set(task.labels.words)


def test_without_a_name_they_are_listed(trimtab):
    code, out, err = trimtab("new")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    assert lines[NAMES.index("poem-zh")] == (
        "poem-zh             zh  gemma3-270m   Write a four-line Chinese poem on a theme. 按主题写一首五言诗。"
    )


def test_a_task_is_written_and_nothing_is_overwritten_unasked(trimtab, tmp_path):
    code, out, err = trimtab("new", "summary")
    assert (code, out) == (0, "summary/summary.yaml\nsummary/summary.jsonl\nsummary/summary-test.jsonl\n")
    assert err == (
        "The rows are a small sample: put your own in their place. `trimtab tune summary/summary.yaml` runs it.\n"
    )
    for path in new.TASKS.glob("summary*"):
        assert (tmp_path / "summary" / path.name).read_bytes() == path.read_bytes()
    mine = tmp_path / "summary" / "summary.jsonl"
    mine.write_text("mine")
    (tmp_path / "summary" / "summary.yaml").unlink()
    refused = "trimtab: summary/summary.jsonl: is there already.\n"
    hint = "         Choose another folder, or overwrite it with --force.\n"
    assert trimtab("new", "summary") == (2, "", refused + hint)
    assert mine.read_text() == "mine"
    assert not (tmp_path / "summary" / "summary.yaml").exists()
    assert trimtab("new", "summary", "--force").code == 0
    assert mine.read_text() != "mine"
    assert trimtab("new", "sentiment", "deep/er").out.splitlines()[0] == "deep/er/sentiment.yaml"


def test_what_cannot_be_written(trimtab, tmp_path):
    with pytest.raises(TrimtabError) as error:
        new.run("sentimnt", tmp_path)
    assert str(error.value) == "no ready task 'sentimnt'. Did you mean 'sentiment'?"
    with pytest.raises(TrimtabError) as error:
        new.run("x", tmp_path)
    assert str(error.value) == f"no ready task 'x'. There are: {', '.join(NAMES)}."
    (tmp_path / "file").write_text("")
    assert trimtab("new", "news", "file") == (
        2, "", "trimtab: file: a file, expected a folder.\n         Choose another name for the folder.\n"
    )  # fmt: skip


def test_a_notice_is_said_and_stands_in_reports(trimtab, tmp_path, tiny_folder, pretrained):
    tiny.write_task(tmp_path, tiny_folder, notice="No advice.", train={"steps": 2, "evaluate_every": 2})
    task = read_task(tmp_path / "task.yaml")
    report = tune.run(task, tmp_path / "run", base=tmp_path, pretrained=pretrained, beside=False).report
    assert report.warnings == ["No advice."]
    assert "\n> No advice.\n" in (tmp_path / "run" / "card.md").read_text()
    assert trimtab("predict", "run", "-t", "a film").err == "Note: No advice.\n"


def test_the_page_lists_them_all():
    page = (EXAMPLES.parent / "docs" / "tasks.md").read_text("utf-8")
    assert sorted(line.split("`")[1] for line in page.splitlines() if line.startswith("| `")) == NAMES
