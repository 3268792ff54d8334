"""A model is compared once; again where weights, settings, precision or code are others."""

from __future__ import annotations

import json
import shutil

import pytest
import torch

from trimtab.backbones import pretrained
from trimtab.backbones.door import comparison, verdicts
from trimtab.errors import UnservedError


@pytest.fixture
def compared(monkeypatch):
    seen = []
    monkeypatch.setattr(comparison, "require_equal", seen.append)
    return seen


def test_a_model_is_compared_once(tiny_folder, tmp_path, compared, monkeypatch):
    def load(precision="float32", folder=tiny_folder):
        pretrained.load(folder, tmp_path / "cache", name="tiny", precision=precision, device="cpu")
        return len(compared)

    assert (load(), load()) == (1, 1)
    assert (load("bfloat16"), load("bfloat16")) == (2, 2)
    shutil.copytree(tiny_folder, tmp_path / "copy")
    assert load(folder=tmp_path / "copy") == 2
    config = json.loads((tmp_path / "copy" / "config.json").read_text())
    (tmp_path / "copy" / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 1e-3}))
    assert load(folder=tmp_path / "copy") == 3
    monkeypatch.setattr(verdicts, "_code", lambda: "other")
    assert load() == 4


def test_a_model_that_differs_is_refused_each_time(tiny_folder, tmp_path, monkeypatch):
    def differs(backbone):
        raise UnservedError("it differs.")

    monkeypatch.setattr(comparison, "require_equal", differs)
    for _ in range(2):
        with pytest.raises(UnservedError, match=r"^it differs\.$"):
            pretrained.load(tiny_folder, tmp_path / "cache", name="tiny", precision="float32", device="cpu")


def test_a_cache_that_cannot_be_written_to_is_done_without(tmp_path):
    (tmp_path / "cache").write_text("a file")
    key = verdicts.verdict_key("a", {}, torch.float32, "cpu")
    verdicts.remember_served(key, tmp_path / "cache")
    assert not verdicts.known_to_be_served(key, tmp_path / "cache")
