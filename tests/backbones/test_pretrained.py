"""Loading folders: identity, precision, and clear refusals."""

from __future__ import annotations

import hashlib
import shutil

import pytest
import torch

from trimtab.backbones.pretrained import content_hash, load, pick_device, pick_precision
from trimtab.errors import BackboneError


def test_a_folder_is_known_by_its_weights(tiny_folder, tmp_path):
    loaded = load(tiny_folder, tmp_path, name="tiny", licence="MIT", device="cpu")
    assert loaded.content_hash == hashlib.sha256((tiny_folder / "model.safetensors").read_bytes()).hexdigest()
    assert (loaded.name, loaded.origin, loaded.licence) == ("tiny", "local", "MIT")
    assert loaded.backbone.fused_layers == 2
    assert not any(p.requires_grad for p in loaded.backbone.model.parameters())


def test_the_hash_follows_the_content_not_the_name(tiny_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny_folder, copy)
    before = content_hash(copy, tmp_path)
    assert before == content_hash(tiny_folder, tmp_path)
    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert content_hash(copy, tmp_path) != before


def test_precision(tiny_folder, tmp_path):
    assert load(tiny_folder, tmp_path, name="tiny", precision="bfloat16", device="cpu").backbone.dtype == torch.bfloat16
    assert pick_precision("float32", torch.device("cpu")) == torch.float32
    assert pick_precision("auto", torch.device("cpu")) in (torch.float32, torch.bfloat16)


def test_a_device_that_is_not_there():
    if torch.cuda.is_available():
        assert pick_device("auto").type == "cuda"
    else:
        assert pick_device("auto") == torch.device("cpu")
    with pytest.raises(BackboneError, match=r"^device 'cuda:97' is not available: .* Set train.device=cpu or auto.$"):
        pick_device("cuda:97")


def test_a_folder_without_weights(tmp_path):
    with pytest.raises(BackboneError) as error:
        load(tmp_path, tmp_path / "cache", name="empty", device="cpu")
    assert str(error.value) == f"{tmp_path}: no weights (.safetensors, .bin or .gguf) in this folder."


def test_weights_of_something_else(tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "odd")
    (tmp_path / "odd" / "config.json").write_text('{"model_type": "no-such-type"}')
    with pytest.raises(BackboneError, match="odd: no language model could be loaded: "):
        load(tmp_path / "odd", tmp_path, name="odd", device="cpu")


def test_a_damaged_gguf_file(tmp_path):
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(BackboneError, match=r"model\.gguf: not a GGUF file transformers can read"):
        load(tmp_path / "model.gguf", tmp_path / "cache", name="bad", device="cpu")
    assert [p.name for p in (tmp_path / "cache" / "converted").iterdir() if p.is_dir()] == []
