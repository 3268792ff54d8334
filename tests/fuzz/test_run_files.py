"""The files of a run, damaged at random or holding other values: the run, or one message."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from outcomes import JSON, TEXTS, damaged, few, value_or_message

from trimtab.data import Example
from trimtab.runs.folder import PROMPT_FILE, TASK_FILE
from trimtab.runs.run import Run, described, load_run, save_run
from trimtab.runs.tensors import load_tensors, read_values, save_tensors
from trimtab.settings.file import make_task

BACKBONE = {"name": "b", "origin": "o", "licence": "l", "content_hash": "0" * 64}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("run")
    sets = ({"prompt": torch.ones(2, 3)}, {"prompt": torch.zeros(2, 3)})
    examples = (Example({"text": "a"}, "x", "rows.jsonl:1"),)
    task = make_task({"labels": ["x", "y"]})
    save_run(folder, Run("run", task, {"x": ["x"], "y": ["y"]}, sets, 0, BACKBONE, {"steps": 3}, examples))
    return {name: (folder / name).read_bytes() for name in (TASK_FILE, PROMPT_FILE)}


def use(folder: Path) -> None:
    """Read in all the ways there are; what is read has the form that others count on."""
    value_or_message(lambda: described(folder))
    value_or_message(lambda: read_values(folder / PROMPT_FILE))
    run = value_or_message(lambda: load_run(folder))
    if run is not None:
        assert isinstance(run.facts, dict)
        assert list(run.tensors[run.kept]) is not None
        assert all(isinstance(word, str) for words in run.words.values() for word in words)


@few(120)
@given(data=st.data(), name=st.sampled_from([TASK_FILE, PROMPT_FILE]))
def test_damaged_files(tmp_path, whole, data, name):
    for own, content in whole.items():
        (tmp_path / own).write_bytes(data.draw(damaged(content)) if own == name else content)
    use(tmp_path)


@few(120)
@given(name=st.sampled_from(["format", "sets", "words", "kept", "backbone", "facts", "examples"]) | TEXTS, value=JSON)
def test_other_values(tmp_path, whole, name, value):
    for own, content in whole.items():
        (tmp_path / own).write_bytes(content)
    stored = load_tensors(tmp_path / PROMPT_FILE)
    save_tensors(tmp_path / PROMPT_FILE, stored.tensors, {**stored.values, name: value})
    use(tmp_path)


@few(40)
@given(header=st.binary(max_size=40) | JSON.map(repr).map(lambda text: text.encode("utf-8", errors="replace")))
def test_other_headers(tmp_path, whole, header):
    (tmp_path / TASK_FILE).write_bytes(whole[TASK_FILE])
    for size in (len(header), 2**63):
        (tmp_path / PROMPT_FILE).write_bytes(size.to_bytes(8, "little") + header)
        use(tmp_path)
