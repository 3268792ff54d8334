"""Backbones by name: where they are looked for, and how long they are tokenised."""

from __future__ import annotations

import pytest
import torch

import tiny
from trimtab.backbones.open import backbone_of, counter_for, local_or_known, open_backbone, token_counter
from trimtab.errors import TrimtabError
from trimtab.settings.file import make_task


def test_a_name_means_the_same_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "task" / "model").mkdir(parents=True)
    (tmp_path / "here" / "other").mkdir(parents=True)
    (tmp_path / "here" / "model").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    base = tmp_path / "task"
    assert local_or_known("model", base) == str(tmp_path / "task" / "model")  # beside the task first
    assert local_or_known("other", base) == str(tmp_path / "here" / "other")
    assert local_or_known("org/unknown", base) == "org/unknown"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_or_known("~/here", base) == str(tmp_path / "here")


def test_a_folder_is_opened_as_its_task_says(tiny_folder, tmp_path):
    opened = open_backbone(str(tiny_folder), precision="bfloat16", device="cpu", threads=1)
    assert (opened.name, opened.backbone.dtype) == (str(tiny_folder), torch.bfloat16)
    threads = torch.get_num_threads()
    task = make_task(tiny.task("tiny", train={"threads": 2, "precision": "float32", "device": "cpu"}))
    (tmp_path / "tiny").symlink_to(tiny_folder, target_is_directory=True)
    try:
        found = backbone_of(task, tmp_path)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert found.backbone.dtype == torch.float32
    assert found.content_hash == opened.content_hash


def test_tokens_are_counted_without_special_ones(tiny_folder):
    count, context = token_counter(str(tiny_folder), offline=True, progress=None)
    assert context == tiny.CONTEXT
    tokenizer = open_backbone(str(tiny_folder), device="cpu").tokenizer
    for text in ("", "a good film", "好看的电影"):
        assert count(text) == len(tokenizer(text, add_special_tokens=False)["input_ids"])


def test_a_counter_where_tokens_are_wanted_or_the_backbone_is_here(tiny_folder):
    assert counter_for(str(tiny_folder), False, offline=True, progress=None) == (None, None)
    for wanted in (True, None):
        count, context = counter_for(str(tiny_folder), wanted, offline=True, progress=None)
        assert count is not None
        assert context == tiny.CONTEXT
    assert counter_for("no/such-backbone", None, offline=True, progress=None) == (None, None)
    with pytest.raises(TrimtabError, match="no/such-backbone"):
        counter_for("no/such-backbone", True, offline=True, progress=None)
