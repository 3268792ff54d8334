"""Loading folders: identity, precision, and clear refusals."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from trimtab.backbones.pretrained import check_finite, load, pick_device, pick_precision
from trimtab.errors import BackboneError


def test_a_folder_is_known_by_its_weights(tiny_folder, tmp_path):
    loaded = load(tiny_folder, tmp_path, name="tiny", licence="MIT", device="cpu")
    assert loaded.content_hash == hashlib.sha256((tiny_folder / "model.safetensors").read_bytes()).hexdigest()
    assert (loaded.name, loaded.origin, loaded.licence) == ("tiny", "local", "MIT")
    assert loaded.backbone.fused_layers == 2
    assert not any(p.requires_grad for p in loaded.backbone.model.parameters())


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


def harmed(folder, out, name, value):
    """A copy of a model's folder in which a weight holds another number, twice."""
    shutil.copytree(folder, out)
    weights = load_file(out / "model.safetensors")
    weights[name].view(-1)[[3, 70]] = value
    save_file(weights, out / "model.safetensors", {"format": "pt"})
    return out


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_weights_that_are_no_numbers(value, precision, tiny_folder, tmp_path):
    folder = harmed(tiny_folder, tmp_path / "harmed", "model.layers.1.mlp.up_proj.weight", value)
    with pytest.raises(BackboneError) as error:
        load(folder, tmp_path, name="harmed", device="cpu", precision=precision)
    assert str(error.value) == (
        f"{folder}: 2 of the 1,536 weights of 'model.layers.1.mlp.up_proj.weight' are no finite numbers. "
        "Get the model again; `trimtab models NAME --verify` finds what was damaged on the way."
    )


def test_weights_whose_sum_overflows_are_numbers(tmp_path):
    layer = torch.nn.Linear(4, 4)
    torch.nn.init.constant_(layer.weight, 3e38)
    check_finite(layer, tmp_path)


def cut(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def empty_tokenizer(folder):
    (folder / "tokenizer.json").write_text("")


def other_type_in_config(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": "many"}))


def pickle_that_is_none(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"no pickle")


@pytest.mark.parametrize("harm", [cut, empty_tokenizer, other_type_in_config, pickle_that_is_none])
def test_damaged_folders_are_one_message(harm, tiny_folder, tmp_path):
    shutil.copytree(tiny_folder, tmp_path / "odd")
    harm(tmp_path / "odd")
    with pytest.raises(BackboneError, match="odd: no language model could be loaded: "):
        load(tmp_path / "odd", tmp_path, name="odd", device="cpu")
