"""Weights that are read out of a model: which families, which numbers, and that the model still runs on them."""

from __future__ import annotations

import pytest
import torch

from models import ARCHITECTURES, CONFIGS, tiny_model
from trimtab.backbones.layers.weights import layers_of

FUSED = ("llama", "mistral", "qwen2", "qwen3", "gemma3")


@pytest.mark.parametrize("name", FUSED)
def test_the_model_runs_on_the_same_memory(name):
    ids = torch.tensor([[5, 6, 7, 8]])
    before = tiny_model(name)
    with torch.no_grad():
        expected = before(ids).logits
        model = tiny_model(name)
        layers = layers_of(model)
        assert layers is not None
        torch.testing.assert_close(model(ids).logits, expected)
    for layer, whole, block in zip(layers, before.model.layers, model.model.layers, strict=True):
        theirs, ours = whole.self_attn, block.self_attn
        joined = [theirs.q_proj.weight, theirs.k_proj.weight, theirs.v_proj.weight]
        assert torch.equal(layer.qkv, torch.cat(joined))
        assert torch.equal(layer.gate_up, torch.cat([whole.mlp.gate_proj.weight, whole.mlp.up_proj.weight]))
        for weight, inside in ((ours.q_proj.weight, layer.qkv), (ours.v_proj.weight, layer.qkv)):
            assert weight.untyped_storage().data_ptr() == inside.untyped_storage().data_ptr()
        assert block.mlp.up_proj.weight.untyped_storage().data_ptr() == layer.gate_up.untyped_storage().data_ptr()


def test_what_the_families_have_of_their_own():
    made = {name: layers_of(tiny_model(name)) for name in FUSED}
    shapes = {name: {(x.heads, x.kv_heads, x.head_size) for x in layers} for name, layers in made.items()}
    assert shapes == {"llama": {(4, 2, 8)}, "mistral": {(4, 2, 8)}, "qwen2": {(4, 2, 8)}, "qwen3": {(4, 2, 16)},
                      "gemma3": {(4, 1, 16)}}  # fmt: skip
    assert [layer.window for layer in made["mistral"]] == [9] * 3
    assert [layer.window for layer in made["gemma3"]] == [7, None, 7]
    assert [layer.rotary for layer in made["gemma3"]] == CONFIGS["gemma3"].layer_types
    assert {name for name in FUSED if made[name][0].qkv_bias is not None} == {"qwen2"}
    assert {name for name in FUSED if made[name][0].norm_q is not None} == {"qwen3", "gemma3"}
    assert {name for name in FUSED if made[name][0].tanh_gelu} == {"gemma3"}
    assert {name for name in FUSED if made[name][0].norm_after_mlp is not None} == {"gemma3"}


def test_norm_weights_are_factors():
    """Gemma's norms multiply by one more than their weight."""
    for name, more in (("llama", 0.0), ("gemma3", 1.0)):
        model = tiny_model(name)
        [layer, *_] = layers_of(model)
        torch.testing.assert_close(layer.norm_attention, model.model.layers[0].input_layernorm.weight + more)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in FUSED])
def test_other_families_are_left_as_they_are(name):
    assert layers_of(tiny_model(name)) is None


@pytest.mark.parametrize(
    ("name", "change"),
    [("llama", {"hidden_act": "gelu"}), ("llama", {"mlp_bias": True}), ("gemma3", {"hidden_activation": "silu"}),
     ("gemma3", {"attn_logit_softcapping": 50.0})],
)  # fmt: skip
def test_so_are_those_that_compute_something_else(name, change):
    model = tiny_model(name)
    model.config.update(change)
    assert layers_of(model) is None
