"""Run files that were damaged or changed: one clear error, never an answer."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from trimtab.errors import RunError
from trimtab.runs.run import Run, described, load_run, save_run
from trimtab.runs.tensors import load_tensors, save_tensors
from trimtab.settings.file import make_task

WORDS = {"negative": ["bad"], "positive": ["good"]}
BACKBONE = {"name": "tiny", "origin": "local", "licence": "", "content_hash": "a" * 64}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tensors = {
        "prompt": torch.randn(4, 8),
        "half": torch.randn(3).bfloat16(),
        "one": torch.tensor(3),
        "on": torch.tensor([True]),
    }
    task = make_task({"labels": {"words": WORDS}, "task": "Is it good?", "method": {"length": 4}})
    save_run(tmp_path, Run("run", task, WORDS, (tensors,), 0, BACKBONE, {"seeds": [0]}))
    return tmp_path


def flipped(seed: int) -> Callable[[Path], None]:
    """One bit of the prompt file, anywhere."""

    def damage(folder: Path) -> None:
        path = folder / "prompt.safetensors"
        content = bytearray(path.read_bytes())
        content[random.Random(seed).randrange(len(content))] ^= 1 << random.Random(-seed).randrange(8)
        path.write_bytes(bytes(content))

    return damage


def last_bit(folder: Path) -> None:
    """The last number of a tensor."""
    path = folder / "prompt.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def cut(share: float) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "prompt.safetensors"
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    return damage


def not_finite(value: float) -> Callable[[Path], None]:
    """A number that is none, in a file that is otherwise whole."""

    def damage(folder: Path) -> None:
        stored = load_tensors(folder / "prompt.safetensors")
        stored.tensors["0.prompt"][2, 3] = value
        save_tensors(folder / "prompt.safetensors", stored.tensors, stored.values)

    return damage


def changed(group: str | None, name: str, value: object) -> Callable[[Path], None]:
    """Another value in task.yaml."""

    def damage(folder: Path) -> None:
        content = yaml.safe_load((folder / "task.yaml").read_text())
        (content[group] if group else content)[name] = value
        (folder / "task.yaml").write_text(yaml.safe_dump(content))

    return damage


DAMAGES = {
    **{f"bit {seed}": flipped(seed) for seed in range(1, 25)},
    "last bit": last_bit,
    **{f"cut to {share}": cut(share) for share in (0, 0.01, 0.5, 0.99)},
    "nan": not_finite(float("nan")),
    "infinite": not_finite(float("inf")),
    "no text": lambda folder: (folder / "task.yaml").write_bytes(b"\xff\xfe"),
    "no task file": lambda folder: (folder / "task.yaml").unlink(),
    "a folder for a file": lambda folder: ((folder / "task.yaml").unlink(), (folder / "task.yaml").mkdir()),
    "another template": changed("template", "text", "Text: {text} ->{answer}"),
    "another description": changed(None, "task", "Is it bad?"),
    "another length": changed("method", "length", 5),
    "another method": changed(None, "method", {"name": "prefix"}),
    "other words": changed("labels", "words", {"negative": ["poor"], "positive": ["good"]}),
    "another kind of answer": changed(None, "answer", "number"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_it_is_one_clear_error(damage: Callable[[Path], None], folder: Path) -> None:
    damage(folder)
    with pytest.raises(RunError) as refused:
        load_run(folder)
    assert str(folder) in refused.value.message
    assert refused.value.hint or "no such file" in refused.value.message


def test_what_is_said(folder: Path) -> None:
    whole = folder / "whole"
    whole.mkdir()
    for name in ("task.yaml", "prompt.safetensors"):
        shutil.copy(folder / name, whole)
    text = yaml.safe_load((whole / "task.yaml").read_text())["template"]["text"]
    for damage, said in (
        ("last bit", "prompt.safetensors: damaged or not written by Trimtab (its checksum is another). Delete it and "
                     "tune again."),
        ("nan", "prompt.safetensors: '0.prompt' holds numbers that are not finite. Delete it and tune again."),
        ("another template", "task.yaml: template.text is 'Text: {text} ->{answer}', and the run was trained with "
                             f"{text!r}. Put it back, or tune again."),
        ("another length", "task.yaml: method.length is 5, and the run was trained with 4. Put it back, or tune "
                           "again."),
    ):  # fmt: skip
        broken = folder / damage
        shutil.copytree(whole, broken)
        DAMAGES[damage](broken)
        with pytest.raises(RunError) as refused:
            load_run(broken)
        assert str(refused.value) == f"{broken}/{said}"
        if damage.startswith("another"):
            with pytest.raises(RunError):
                described(broken)


def test_values_are_checked_where_tensors_are_not_read(folder: Path) -> None:
    path = folder / "prompt.safetensors"
    content = path.read_bytes()
    assert described(folder)[1] == WORDS
    path.write_bytes(content.replace(b'[\\"good\\"]', b'[\\"food\\"]'))
    assert path.read_bytes() != content
    with pytest.raises(RunError) as refused:
        described(folder)
    assert "its checksum is another" in refused.value.message


def test_what_does_not_decide_what_was_trained_may_change(folder: Path) -> None:
    changed("data", "test", "other.jsonl")(folder)
    changed(None, "notice", "Be careful.")(folder)
    assert load_run(folder).task.notice == "Be careful."
    assert described(folder)[0].data.test == "other.jsonl"


def test_a_run_of_an_older_version_has_no_checksum_and_is_read(folder: Path) -> None:
    stored = load_tensors(folder / "prompt.safetensors")
    values = {name: value for name, value in stored.values.items() if name != "trained_with"}
    save_file(stored.tensors, folder / "prompt.safetensors", {"trimtab": json.dumps(values)})
    changed(None, "task", "Is it bad?")(folder)
    assert load_run(folder).task.task == "Is it bad?"
