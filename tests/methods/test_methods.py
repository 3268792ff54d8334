"""Every method behind one interface: against plain transformers code, and in what all have in common."""

from __future__ import annotations

import copy

import pytest
import torch
from made_methods import IDS, logits, method_of, moved
from test_soft_prompt import material
from torch.nn import functional as F

from closeness import assert_near
from models import tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.layout import Row
from trimtab.errors import TrimtabError
from trimtab.methods.choose import make_method
from trimtab.methods.method import Material, trained
from trimtab.settings.file import make_task
from trimtab.settings.methods import METHODS

NAMES = [name for name in METHODS if name not in ("zero_shot", "few_shot", "search", "auto")]


@pytest.fixture
def methods(pretrained):
    return {name: method_of(pretrained, name) for name in NAMES if name != "bitfit"}


def test_starts_depend_on_the_seed_alone_and_are_float32(methods):
    for name, method in methods.items():
        first, again, other = method.initial(1), method.initial(1), method.initial(2)
        assert all(x.dtype == torch.float32 for x in first.values()), name
        assert all(torch.equal(first[key], again[key]) for key in first), name
        differ = any(not torch.equal(first[key], other[key]) for key in first)
        assert differ is (name not in ("ia3", "full", "head")), name  # these start at fixed values


@pytest.mark.parametrize("name", ["lora", "ia3", "full"])
def test_weight_methods_start_as_the_backbone_itself(pretrained, methods, name):
    with torch.no_grad():
        ours = logits(pretrained.backbone, methods[name].condition(methods[name].initial(0)))
        plain = pretrained.backbone.logits(pretrained.backbone.forward([Row(ids) for ids in IDS]))
    assert_near(ours, plain)


@pytest.mark.parametrize("name", ["lora", "ia3", "full"])
def test_the_backbone_is_untouched_afterwards(pretrained, methods, name):
    model = pretrained.backbone.model
    before = {key: value.clone() for key, value in model.state_dict().items()}
    logits(pretrained.backbone, methods[name].condition(moved(methods[name].initial(0)))).sum().backward()
    after = model.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert not any(weight.requires_grad or weight.grad is not None for weight in model.parameters())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "bitfit"])  # the tiny Llama has no biases
def test_gradients_reach_every_trained_tensor(pretrained, name):
    method = method_of(pretrained, name)
    tensors = moved(method.initial(0))
    condition = method.condition(tensors)
    out = logits(pretrained.backbone, condition)
    if condition.head:
        out = F.linear(out, *condition.head)
    out.square().sum().backward()
    for key, tensor in trained(tensors).items():
        assert tensor.grad is not None, key
        assert tensor.grad.abs().sum() > 0, key


@pytest.mark.parametrize("architecture", ["llama", "gemma3", "gpt2", "opt"])
@pytest.mark.parametrize("name", ["full", "bitfit", "lora", "ia3"])
def test_weight_methods_equal_plain_transformers(architecture, name, pretrained):
    """Values and gradients: the same tensors put into a copy of the model, its own forward pass, eager attention."""
    oracle = tiny_model(architecture)
    backbone = CausalBackbone(copy.deepcopy(oracle))
    kind = make_task({"method": name}).method
    made = Material(backbone, pretrained.tokenizer, "", material(pretrained).verbalizer)
    method = make_method(kind, made, read_prompt=None)
    if name == "bitfit" and architecture in ("llama", "gemma3"):
        with pytest.raises(TrimtabError) as caught:
            method.initial(0)
        model_type = backbone.config.model_type
        assert str(caught.value) == (
            f"method 'bitfit' trains biases, and a backbone of type '{model_type}' has none. "
            "Choose another method, lora or prefix say."
        )
        return
    ours = moved(method.initial(0))
    theirs = {key: value.detach().clone().requires_grad_() for key, value in ours.items()}
    if name in ("lora", "ia3"):
        from peft import IA3Config, LoraConfig, inject_adapter_in_model

        transposed = {"fan_in_fan_out": architecture == "gpt2"}
        config = (
            IA3Config(**transposed)
            if name == "ia3"
            else LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", **transposed)
        )
        oracle = inject_adapter_in_model(config, oracle)
    found = logits(backbone, method.condition(ours))
    expected = torch.stack(
        [
            torch.func.functional_call(
                oracle, theirs, kwargs={"input_ids": torch.tensor([ids]), "use_cache": False}
            ).logits[0, -1]
            for ids in IDS
        ]
    )
    assert_near(found, expected)
    targets = torch.tensor([1, 2, 3])
    F.cross_entropy(found, targets).backward()
    F.cross_entropy(expected, targets).backward()
    for key in ours:
        if theirs[key].grad is None:
            assert ours[key].grad is None or not ours[key].grad.any(), key
        else:
            biased = key.replace("k_proj.bias", "q_proj.bias")  # softmax takes no notice of a bias of the keys
            assert_near(ours[key].grad, theirs[key].grad, of=theirs[biased].grad, what=key)
