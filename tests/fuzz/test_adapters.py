"""Adapters of PEFT's with other settings, other shapes and damaged files: a run, or one message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from outcomes import JSON, TEXTS, damaged, few, value_or_message
from safetensors.torch import load_file, save_file

from adapters import METHODS
from causal_adapters import TASK, WORDS, run_of
from trimtab.interchange.adapter import CONFIG_FILE, WEIGHTS_FILE, read_adapter, write_adapter
from trimtab.interchange.imported import from_adapter
from trimtab.interchange.peft import to_adapter
from trimtab.settings.file import make_task

KEPT = ("soft prompt", "p-tuning", "prefix", "lora", "dora", "ia3")


@pytest.fixture(scope="module")
def whole(pretrained, tmp_path_factory) -> dict[str, Path]:
    folders = {}
    for method in KEPT:
        folders[method] = tmp_path_factory.mktemp("adapter")
        write_adapter(folders[method], to_adapter(run_of(pretrained, METHODS[method]), pretrained))
    return folders


def use(folder: Path, pretrained: Any) -> None:
    task = make_task({**TASK, "backbone": "tiny"})
    value_or_message(lambda: from_adapter(read_adapter(folder), "adapter", task, WORDS, pretrained))


def copied(whole: Path, folder: Path) -> None:
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        (folder / name).write_bytes((whole / name).read_bytes())


@few(120)
@given(data=st.data(), method=st.sampled_from(KEPT))
def test_settings(tmp_path, pretrained, whole, data, method):
    copied(whole[method], tmp_path)
    config = json.loads((tmp_path / CONFIG_FILE).read_text(encoding="utf-8"))
    for _ in range(data.draw(st.integers(1, 2))):
        name = data.draw(st.sampled_from([*config, "r", "lora_alpha", "num_virtual_tokens", "bias"]) | TEXTS)
        config[name] = data.draw(JSON)
    (tmp_path / CONFIG_FILE).write_text(json.dumps(config), encoding="utf-8")
    use(tmp_path, pretrained)


@pytest.mark.parametrize("method", KEPT)
def test_every_setting_of_another_type(tmp_path, pretrained, whole, method):
    config = json.loads((whole[method] / CONFIG_FILE).read_text(encoding="utf-8"))
    for name in config:
        for value in (-1, 2.5, "x", ["x"], {"x": 1}, 10**400, True):
            copied(whole[method], tmp_path)
            (tmp_path / CONFIG_FILE).write_text(json.dumps({**config, name: value}), encoding="utf-8")
            use(tmp_path, pretrained)
        copied(whole[method], tmp_path)
        less = {own: config[own] for own in config if own != name}
        (tmp_path / CONFIG_FILE).write_text(json.dumps(less), encoding="utf-8")
        use(tmp_path, pretrained)


@few(80)
@given(data=st.data(), method=st.sampled_from(KEPT), name=st.sampled_from([CONFIG_FILE, WEIGHTS_FILE]))
def test_damaged_files(tmp_path, pretrained, whole, data, method, name):
    copied(whole[method], tmp_path)
    (tmp_path / name).write_bytes(data.draw(damaged((tmp_path / name).read_bytes()[:4000])))
    use(tmp_path, pretrained)


@few(60)
@given(data=st.data(), method=st.sampled_from(KEPT))
def test_other_tensors(tmp_path, pretrained, whole, data, method):
    copied(whole[method], tmp_path)
    tensors = load_file(tmp_path / WEIGHTS_FILE)
    name = data.draw(st.sampled_from(sorted(tensors)))
    shape = data.draw(st.lists(st.integers(0, 5), max_size=3))
    kinds = [torch.float32, torch.int64, torch.bool, torch.float8_e4m3fn, torch.uint16]
    tensors[data.draw(st.just(name) | TEXTS.filter(lambda text: text.isprintable()))] = torch.zeros(
        shape, dtype=data.draw(st.sampled_from(kinds))
    )
    save_file(tensors, tmp_path / WEIGHTS_FILE)
    use(tmp_path, pretrained)
