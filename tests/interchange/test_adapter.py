"""Adapter folders: read and written as PEFT does; what is none, damaged or a pickle is refused."""

from __future__ import annotations

import json

import pytest
import torch
from peft import PeftConfig
from peft.utils import load_peft_weights
from safetensors.torch import save_file

from causal_adapters import refusal
from trimtab.interchange.adapter import Adapter, read_adapter, write_adapter


def test_folders_that_are_no_adapters(pretrained, tmp_path, written):
    assert refusal(lambda: read_adapter(tmp_path)) == (
        f"{tmp_path}: not a PEFT adapter (no adapter_config.json). "
        "Give the folder that `save_pretrained` of PEFT wrote."
    )
    config, weights = tmp_path / "adapter_config.json", tmp_path / "adapter_model.safetensors"
    written("soft prompt")
    weights.write_bytes(weights.read_bytes()[:100])
    assert refusal(lambda: read_adapter(tmp_path)).startswith(f"{weights}: damaged (")
    weights.unlink()
    assert refusal(lambda: read_adapter(tmp_path)) == (
        f"{tmp_path}: no adapter_model.safetensors. Give a whole adapter folder."
    )
    (tmp_path / "adapter_model.bin").write_bytes(b"")
    assert refusal(lambda: read_adapter(tmp_path)) == (
        f"{tmp_path / 'adapter_model.bin'}: a pickle, which can run code when it is read; Trimtab reads none. "
        "Where you trust it, load it with PEFT and save it again, which writes adapter_model.safetensors."
    )
    config.write_text("{")
    assert refusal(lambda: read_adapter(tmp_path)).startswith(f"{config}: damaged (")
    config.write_text(json.dumps({"r": 8}))
    assert refusal(lambda: read_adapter(tmp_path)) == (
        f"{config}: names no peft_type. Give the folder that `save_pretrained` of PEFT wrote."
    )


@pytest.mark.parametrize("leading", [0, 2])
def test_what_is_written_is_read_by_peft_and_comes_back(leading, tmp_path):
    config = {"peft_type": "PROMPT_TUNING", "task_type": "CAUSAL_LM", "num_virtual_tokens": 3, "token_dim": 4}
    tensors = {"prompt_embeddings": torch.arange(12.0).reshape(3, 4)}
    write_adapter(tmp_path, Adapter({**config, "base_model_name_or_path": "模型"}, tensors, leading))
    back = read_adapter(tmp_path)
    assert back == Adapter({**config, "base_model_name_or_path": "模型"}, back.tensors, leading)
    theirs = load_peft_weights(str(tmp_path), device="cpu")
    for found in (back.tensors, theirs):
        assert list(found) == ["prompt_embeddings"]
        assert torch.equal(found["prompt_embeddings"], tensors["prompt_embeddings"])
    read = PeftConfig.from_pretrained(str(tmp_path))
    assert (read.peft_type, read.num_virtual_tokens, read.base_model_name_or_path) == ("PROMPT_TUNING", 3, "模型")


def test_weights_of_others_are_read_in_float32(tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    weight = torch.randn(2, 3).bfloat16()
    for metadata in (None, {"format": "pt"}):
        save_file({"w": weight}, tmp_path / "adapter_model.safetensors", metadata)
        back = read_adapter(tmp_path)
        assert back.leading == 0
        assert torch.equal(back.tensors["w"], weight.float())


@pytest.mark.parametrize("config", ["[]", "null", '{"peft_type": 3}', "{}"])
def test_configurations_without_a_type(config, tmp_path):
    path = tmp_path / "adapter_config.json"
    path.write_text(config)
    save_file({"w": torch.zeros(1)}, tmp_path / "adapter_model.safetensors")
    assert refusal(lambda: read_adapter(tmp_path)) == (
        f"{path}: names no peft_type. Give the folder that `save_pretrained` of PEFT wrote."
    )


@pytest.mark.parametrize("values", ["[]", "3", '{"leading": "x"}', "{", '{"leading": null}', '{"leading": []}'])
def test_values_of_ours_that_are_damaged(values, tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    path = tmp_path / "adapter_model.safetensors"
    save_file({"w": torch.zeros(1)}, path, {"trimtab": values})
    assert refusal(lambda: read_adapter(tmp_path)).startswith(f"{path}: damaged")


def test_a_flipped_bit_of_ours_and_numbers_that_are_none_are_refused(tmp_path):
    config = {"peft_type": "PROMPT_TUNING", "task_type": "CAUSAL_LM", "num_virtual_tokens": 3, "token_dim": 4}
    path = tmp_path / "adapter_model.safetensors"
    write_adapter(tmp_path, Adapter(config, {"prompt_embeddings": torch.ones(3, 4)}))
    content = bytearray(path.read_bytes())
    content[-4] ^= 1
    path.write_bytes(bytes(content))
    said = "damaged or not written by Trimtab (its checksum is another)"
    assert refusal(lambda: read_adapter(tmp_path)) == f"{path}: {said}. Get the adapter again."
    save_file({"prompt_embeddings": torch.tensor([[1.0, float("nan")]])}, path)  # of others, without checksums
    assert refusal(lambda: read_adapter(tmp_path)) == (
        f"{path}: 'prompt_embeddings' holds numbers that are not finite. Get the adapter again."
    )
