"""Runs and their folders: what comes back, what a run answers with, and what is refused; no backbone is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from trimtab.data import Example
from trimtab.errors import RunError
from trimtab.runs.run import (
    GIVEN,
    Run,
    as_given,
    backbone_facts,
    described,
    load_run,
    read_prompt,
    save_run,
    save_task,
    zero_shot,
)
from trimtab.runs.tensors import load_tensors, save_tensors
from trimtab.settings.file import make_task

FILES = {"config.json": "c" * 64, "tokenizer.json": "d" * 64}
BACKBONE = SimpleNamespace(
    name="tiny", origin="local", licence="MIT", content_hash="a" * 64, older_hash="a" * 64, files=FILES
)
OTHER = SimpleNamespace(
    name="other", origin="hub:org/other", licence="", content_hash="b" * 64, older_hash="c" * 64, files={}
)
WORDS = {"negative": ["bad", "awful"], "好评": ["好评"]}


def make_run(method: Any = "soft_prompt", sets: int = 1, **settings: Any) -> Run:
    tensors = tuple({"prompt": torch.full((2, 3), float(k)), "a.b": torch.arange(2) + k} for k in range(sets))
    task = make_task({"method": method, "labels": WORDS, **settings})
    return Run("a run", task, WORDS, tensors, 0, backbone_facts(BACKBONE), {"seeds": list(range(sets))})


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(RunError) as caught:
        call()
    return str(caught.value)


def same(first: Run, second: Run) -> bool:
    """Whether two runs are equal, but for their names."""
    tensors = zip(first.tensors, second.tensors, strict=True)
    equal = all(a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a) for a, b in tensors)
    return equal and replace(first, name="", tensors=()) == replace(second, name="", tensors=())


def test_a_run_comes_back_from_its_folder(tmp_path: Path) -> None:
    shown = (Example({"text": "好 🙂"}, "好评", "a.jsonl:1"), Example({"text": ""}, None, "a.jsonl:2"))
    run = replace(make_run(sets=3, train={"runs": 3, "ensemble": True}), kept=2, examples=shown)
    save_run(tmp_path, run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prompt.safetensors", "task.yaml"]
    back = load_run(tmp_path)
    assert same(back, run)
    assert back.name == str(tmp_path)
    assert yaml.safe_load((tmp_path / "task.yaml").read_text(encoding="utf-8")) == run.task.model_dump(mode="json")


def test_task_and_words_are_read_without_tensors(tmp_path: Path) -> None:
    assert refusal(lambda: described(tmp_path)) == refusal(lambda: load_run(tmp_path))
    run = make_run(method={"name": "lora", "rank": 3})
    save_run(tmp_path, run)
    assert described(tmp_path) == (run.task, WORDS)
    save_run(tmp_path, replace(run, words={}))
    assert described(tmp_path) == (run.task, {})


def test_a_run_without_tensors_comes_back(tmp_path: Path) -> None:
    run = zero_shot(make_task({}), WORDS, BACKBONE)
    save_run(tmp_path, run)
    assert same(load_run(tmp_path), run)


def test_one_set_answers_or_all() -> None:
    run = replace(make_run(sets=3), kept=1)
    assert list(run.answering) == [run.tensors[1]]
    ensemble = replace(make_run(sets=3, train={"ensemble": True}), kept=1)
    assert list(ensemble.answering) == list(ensemble.tensors)


def test_a_run_goes_with_its_backbone_alone() -> None:
    run = make_run()
    run.check_backbone(BACKBONE)
    run.check_backbone(SimpleNamespace(**{**vars(BACKBONE), "name": "other", "origin": "hub:org/other"}))
    assert run.is_of(BACKBONE)
    assert not run.is_of(OTHER)
    assert refusal(lambda: run.check_backbone(OTHER)) == (
        f"a run: made for backbone 'tiny' (local, content hash {'a' * 12}), not for 'other' (hub:org/other, "
        f"{'b' * 12}). Use the backbone it was made for, or tune a new run."
    )


def test_other_files_beside_the_same_weights_are_named() -> None:
    run = make_run()
    files = {"config.json": "0" * 64, "vocab.txt": "e" * 64}
    changed = SimpleNamespace(**{**vars(BACKBONE), "files": files})
    assert refusal(lambda: run.check_backbone(changed)) == (
        "a run: made for other files of backbone 'tiny' (local), whose weights are the same: config.json is another, "
        "tokenizer.json is gone, vocab.txt is new. Put the former ones back, or tune a new run."
    )
    assert not run.is_of(changed)


def test_runs_that_know_the_weights_alone_still_go_with_them(tmp_path: Path) -> None:
    known = {name: value for name, value in backbone_facts(BACKBONE).items() if name not in FILES}
    run = replace(make_run(), backbone=known)
    run.check_backbone(BACKBONE)
    run.check_backbone(SimpleNamespace(**{**vars(BACKBONE), "files": {"config.json": "0" * 64}}))
    beside_others = SimpleNamespace(**{**vars(OTHER), "older_hash": BACKBONE.content_hash})
    run.check_backbone(beside_others)
    assert run.is_of(beside_others)


def test_zero_shot_has_nothing_of_the_method() -> None:
    task = make_task({
        "method": {"name": "p_tuning", "length": 5}, "template": {"text": "Say {soft:2}{text}{soft:3}:{answer}"},
        "train": {"ensemble": True}, "labels": {"words": WORDS, "among": "branches"},
    })  # fmt: skip
    run = zero_shot(task, WORDS, BACKBONE)
    assert (run.task.method.name, run.task.template.text) == ("zero_shot", "Say {text}:{answer}")
    assert (run.task.train.ensemble, run.task.labels.among, list(run.answering)) == (False, "vocabulary", [{}])
    assert (run.words, run.backbone) == (WORDS, backbone_facts(BACKBONE))


def test_a_search_remembers_the_wording_it_was_given() -> None:
    run = make_run("search", task="the best", template={"text": "{task} {text}{answer}"})
    assert as_given(run) == (run.task, run.words)
    given = {"task": "mine", "text": "{text}{answer}", "words": {"a": ["b"]}}
    task, words = as_given(replace(run, facts={GIVEN: given}))
    assert (task.task, task.template.text, words) == ("mine", "{text}{answer}", {"a": ["b"]})
    assert task.model_copy(update={"task": run.task.task, "template": run.task.template}) == run.task


@pytest.mark.parametrize("method", ["soft_prompt", {"name": "lora", "prompt": 2}, "multitask_prompt"])
def test_a_prompt_to_start_from(tmp_path: Path, method: Any) -> None:
    run = replace(make_run(method, sets=2), kept=1)
    save_run(tmp_path, run)
    assert torch.equal(read_prompt(tmp_path, BACKBONE)["prompt"], run.tensors[1]["prompt"])
    assert refusal(lambda: read_prompt(tmp_path, OTHER)).startswith(f"{tmp_path}: made for backbone 'tiny' (")


@pytest.mark.parametrize("method", ["prefix", "p_tuning", "lora"])
def test_runs_that_hold_no_soft_prompt(tmp_path: Path, method: str) -> None:
    run = make_run(method)
    save_run(tmp_path, replace(run, tensors=({"keys.0": torch.zeros(1)},)))
    assert refusal(lambda: read_prompt(tmp_path, BACKBONE)) == (
        f"{tmp_path}: a run of method '{method}' holds no soft prompt. Give a run of soft_prompt."
    )


def test_folders_that_are_no_runs(tmp_path: Path) -> None:
    assert refusal(lambda: load_run(tmp_path)) == (
        f"{tmp_path}: not a finished run (no prompt.safetensors). Give the folder `trimtab tune` wrote; "
        "an interrupted one goes on with `trimtab tune FOLDER --resume`."
    )
    save_tensors(tmp_path / "prompt.safetensors", {"prompt.0": torch.zeros(2)}, {"format": "trimtab-run-9"})
    assert refusal(lambda: load_run(tmp_path)) == (
        f"{tmp_path / 'prompt.safetensors'}: holds 'trimtab-run-9', expected 'trimtab-run-1'. "
        "Update Trimtab, or tune again."
    )


def test_a_task_file_that_was_changed(tmp_path: Path) -> None:
    save_run(tmp_path, make_run())
    path = tmp_path / "task.yaml"
    path.write_text("nmae: a\n")
    assert refusal(lambda: load_run(tmp_path)) == f"{path}: unknown setting 'nmae'. Did you mean 'name'?"
    path.unlink()
    assert refusal(lambda: load_run(tmp_path)) == (
        f"{path}: no such file. Give a task file; examples/ holds some to start from."
    )
    save_task(tmp_path, make_run().task.model_copy(update={"name": "mended"}))
    assert load_run(tmp_path).task.name == "mended"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"kept": None}, "KeyError('kept')"),
        ({"sets": 1}, "ValueError('1 is not in range')"),
        ({"sets": "two"}, "ValueError(\"set 0 of 'two'\")"),
        ({"sets": 10**12}, "ValueError('set 0 of 1000000000000')"),
        ({"kept": 2}, "ValueError('set 2 of 2')"),
        ({"words": [1]}, "ValueError('words are no lists by label')"),
        ({"words": {"a": [1]}}, "ValueError('a word is no text')"),
        ({"backbone": "x"}, "ValueError('the backbone is not named')"),
        ({"facts": 3}, "ValueError('facts or examples are of another kind')"),
        # No field is called like it: from Python 3.13 on the message would suggest one that is.
        ({"examples": [{"xyz": {}}]}, "TypeError(\"Example.__init__() got an unexpected keyword argument 'xyz'\")"),
    ],
)
def test_values_that_are_no_run(tmp_path: Path, change: dict[str, object], fault: str) -> None:
    save_run(tmp_path, make_run(sets=2))
    path = tmp_path / "prompt.safetensors"
    stored = load_tensors(path)
    values = {name: value for name, value in {**stored.values, **change}.items() if value is not None}
    save_tensors(path, stored.tensors, values)
    assert refusal(lambda: load_run(tmp_path)) == f"{path}: damaged ({fault}). Delete it and tune again."
