"""A training before its first step: what is trained on, what a checkpoint goes with, and what is written out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from trimtab.data import Example, stratified_sample
from trimtab.errors import TrimtabError
from trimtab.kinds.bind import bind
from trimtab.settings.file import make_task
from trimtab.settings.methods import HeadSettings
from trimtab.tasks.resolve import resolve
from trimtab.tasks.rows import read_rows
from trimtab.training.head_criterion import HeadCriterion
from trimtab.training.objective import Objective
from trimtab.tuning.prepare import Prepared, encode, prepare


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("data")
    tiny.write_task(folder, tiny_folder)
    return folder


def prepared(folder: Path, pretrained: Any, **changes: Any) -> Prepared:
    content = tiny.task(pretrained.name, **{name: own for name, own in changes.items() if name != "method"})
    content["method"] = changes.get("method", {"name": "soft_prompt", "length": 3})
    return prepare(resolve(read_rows(make_task(content), folder), pretrained))


def objective_of(made: Prepared) -> Objective:
    """The objective whose dev scores the loop is given."""
    owner = getattr(made.training.evaluate, "__self__", None)
    assert isinstance(owner, Objective)
    return owner


def test_a_checkpoint_goes_with_the_weights_and_the_rows_as_they_are_read(data: Path, pretrained: Any) -> None:
    made = prepared(data, pretrained)
    rows = [json.loads(line) for line in (data / "reviews.jsonl").read_text().splitlines()]
    ids = [
        [i for part in (f" {row['text']}", "\nAnswer:") for i in pretrained.tokenizer(part)["input_ids"]]
        for row in rows
    ]  # fmt: skip
    labels = [["negative", "positive"].index(row["label"]) for row in rows]
    content = json.dumps([[own, label] for own, label in zip(ids, labels, strict=True)])
    assert made.made_of == {
        "weights": pretrained.content_hash,
        "files": json.dumps(dict(pretrained.files), sort_keys=True),
        "examples": hashlib.sha256(content.encode()).hexdigest(),
    }


def test_everything_picked_is_written_out(data: Path, pretrained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data.parent)
    task = prepared(data, pretrained, labels={}, train={"steps": None, "evaluate_every": None, "epochs": 2}).task
    assert task.data.model_dump(include={"train", "dev", "test"}) == {
        part: str(data / f"{name}.jsonl") for part, name in (("train", "reviews"), ("dev", "dev"), ("test", "test"))
    }
    assert task.labels.words == {"negative": ["negative"], "positive": ["positive"]}
    assert task.labels.among == "vocabulary"
    assert (task.train.steps, task.train.epochs, task.train.batch_size) == (16, None, 8)
    assert (task.train.evaluate_every, task.train.rate, task.train.patience) == (16, 0.08, 0)  # 128 rows seen
    assert task.backbone == str(Path(pretrained.name).resolve())
    again = prepare(resolve(read_rows(task, Path("/")), pretrained))
    assert again.task == task


def test_dev_is_scored_on_as_many_rows_as_take_little_time_and_a_run_says_which(
    data: Path, pretrained: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dev = tiny.write_rows(tmp_path / "dev.jsonl", tiny.rows(200, seed=9))
    changes = {"data": {"dev": str(dev)}, "train": {"steps": 20, "evaluate_every": None}}
    made = prepared(data, pretrained, **changes)
    train = [Example({"text": row["text"]}, row["label"], "") for row in tiny.rows(64, seed=1)]
    tokens = [np.mean([len(row.ids) for row in made.bound.encode(rows)]) for rows in (made.dev, train)]
    # 160 rows are trained on, each as dear as 2.3 that are read; dev is read once, and once for the temperature
    rows = int(160 * 2.3 * 15 / 85 * tokens[1] / tokens[0] / 2)
    assert (made.training.plan.dev_rows, made.training.plan.evaluate_every, len(made.dev)) == (rows, 20, 200)
    assert (made.task.train.evaluate_rows, made.task.train.evaluate_every) == (rows, 20)
    assert list(made.judged) == stratified_sample(made.dev, rows, 0)
    assert [row.label for row in objective_of(made).criterion.dev] == [
        ["negative", "positive"].index(example.answer) for example in made.judged
    ]
    again = prepare(resolve(read_rows(made.task, Path("/")), pretrained))
    assert (again.task, again.judged) == (made.task, made.judged)
    asked = prepared(data, pretrained, **{**changes, "train": {"steps": 20, "evaluate_every": 10}})
    assert (asked.training.plan.dev_rows, asked.task.train.evaluate_rows, len(asked.judged)) == (200, None, 200)


def test_a_fit_reads_few_rows_of_dev(data: Path, pretrained: Any, tmp_path: Path) -> None:
    dev = tiny.write_rows(tmp_path / "dev.jsonl", tiny.rows(200, seed=9))
    changes = {"data": {"dev": str(dev)}, "method": {"name": "head"}}
    made = prepared(data, pretrained, **changes)
    assert (made.training.plan.dev_rows, len(made.judged)) == (32, 32)
    assert made.task.train.evaluate_rows is None
    more = prepared(data, pretrained, **changes, train={"evaluate_rows": 150})
    assert len(more.judged) == 150


def test_what_trains_nothing_has_no_steps_and_one_seed(data: Path, pretrained: Any) -> None:
    made = prepared(data, pretrained, method={"name": "zero_shot", "calibrate": True}, train={"runs": 3})
    assert (made.training.plan.steps, made.training.plan.seeds) == (0, (0,))
    [tensors] = made.start
    assert list(tensors) == ["fixed.calibration"]
    assert made.training.parameters == [{}]
    assert made.task.train.steps is None


def test_dropout_depends_on_seed_and_step_and_judging_has_none(data: Path, pretrained: Any) -> None:
    made = prepared(data, pretrained, method={"length": 3, "dropout": 0.5}, train={"runs": 2})
    objective, start = objective_of(made), made.start[0]
    found = {key: objective.condition(start, *key).soft for key in ((1, 0), (2, 0), (1, 1), (None, 0))}
    again = objective.condition(start, 1, 0).soft
    assert torch.equal(found[1, 0], again)
    assert len({float(soft.sum()) for soft in found.values()}) == 4
    generator = torch.Generator().manual_seed(made.training.plan.seeds[1] * 1_000_003 + 1)
    torch.testing.assert_close(found[1, 1], made.bound.method.condition(start, generator).soft)
    torch.testing.assert_close(found[None, 0], made.bound.method.condition(start).soft)


@pytest.mark.parametrize(
    ("method", "kept"),
    [
        ({"name": "head", "solver": "steps"}, True),
        ({"name": "head", "solver": "steps", "cache_megabytes": 0}, False),
        ({"name": "soft_prompt"}, False),
    ],
)
def test_rows_are_kept_where_a_head_alone_is_trained(
    method: dict[str, Any], kept: bool, data: Path, pretrained: Any
) -> None:
    made = prepared(data, pretrained, method=method)
    criterion = objective_of(made).criterion
    assert isinstance(criterion, HeadCriterion) is (method["name"] == "head")
    states = getattr(criterion, "kept", None)
    assert (states is not None) is kept
    if kept:
        assert states.order == made.training.plan.first_seen()
        assert states.bytes == HeadSettings().cache_megabytes << 20


def test_rows_that_were_shortened_are_noted(pretrained: Any) -> None:
    task = make_task({"method": {"length": 3}, "template": {"text": "{text}{answer}", "max_tokens": 20}})
    bound = bind(task, {"a": ["a"], "b": ["b"]}, pretrained)
    rows = [Example({"text": text}, "a", f"r:{i}") for i, text in enumerate(("great", "great " * 50, "great " * 40))]
    targets, notes = encode(bound, rows)
    whole = [len(pretrained.tokenizer(row.fields["text"])["input_ids"]) for row in rows]
    cut = [before - len(target.ids) for before, target in zip(whole, targets, strict=True)]
    assert cut[0] == 0
    assert notes == [f"2 of 3 training rows were shortened to fit, by {sum(cut)} tokens in all."]
    assert encode(bound, rows[:1])[1] == []
    fixed = task.model_copy(update={"template": task.template.model_copy(update={"truncate": []})})
    with pytest.raises(TrimtabError, match=r"^r:1: the row is "):
        encode(bind(fixed, {"a": ["a"], "b": ["b"]}, pretrained), rows)
