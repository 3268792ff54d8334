"""LoRA and its variants: what they train, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from made_methods import logits, method_of, moved

from trimtab.errors import TrimtabError


def test_lora_variants(pretrained):
    plain, dora, stable = (
        method_of(pretrained, {"name": "lora", "rank": 2, **change})
        for change in ({}, {"dora": True}, {"rslora": True})
    )
    assert not any("magnitude" in key for key in plain.initial(0))
    assert any("magnitude" in key for key in dora.initial(0))
    tensors = moved(plain.initial(0))
    with torch.no_grad():
        outs = [logits(pretrained.backbone, method.condition(tensors)) for method in (plain, stable)]
    assert not torch.allclose(*outs)
    few = method_of(pretrained, {"name": "lora", "targets": ["q_proj"]}).initial(0)
    assert all(".q_proj." in key for key in few)
    with pytest.raises(TrimtabError) as caught:
        method_of(pretrained, {"name": "lora", "targets": ["q_prj"]}).initial(0)
    assert str(caught.value) == (
        "method.targets names 'q_prj', which is no linear layer of the backbone. Did you mean 'q_proj'?"
    )


def test_one_target_with_a_typo_among_good_ones_is_told(pretrained):
    """PEFT trains the good ones without a word."""
    for targets, wrong, hint in (
        (["q_proj", "v_prj"], "v_prj", "Did you mean 'v_proj'?"),
        (["q_proj", "layers.9.v_proj"], "layers.9.v_proj", ""),
    ):
        with pytest.raises(TrimtabError) as caught:
            method_of(pretrained, {"name": "lora", "targets": targets}).initial(0)
        assert str(caught.value).startswith(
            f"method.targets names '{wrong}', which is no linear layer of the backbone."
        )
        assert str(caught.value).endswith(hint)
    assert any(
        ".self_attn.q_proj." in name
        for name in method_of(pretrained, {"name": "lora", "targets": ["q_proj"]}).initial(0)
    )


def test_lora_with_a_prompt_is_both(pretrained):
    joint = method_of(pretrained, {"name": "lora", "prompt": 4})
    prompt, lora = method_of(pretrained, {"name": "soft_prompt", "length": 4}), method_of(pretrained, "lora")
    start = joint.initial(3)
    assert {**prompt.initial(3), **lora.initial(3)}.keys() == start.keys()
    torch.testing.assert_close(start["prompt"], prompt.initial(3)["prompt"])
    tensors = {name: x.detach() for name, x in moved(start).items()}
    soft = prompt.condition({"prompt": tensors["prompt"]}).soft
    weights = {name: x for name, x in tensors.items() if name != "prompt"}
    with torch.no_grad():
        expected = logits(pretrained.backbone, replace(lora.condition(weights), soft=soft))
        torch.testing.assert_close(logits(pretrained.backbone, joint.condition(tensors)), expected)
    assert (joint.tokens, joint.rate) == (4, lora.rate)
    assert joint.rate * joint.factor("prompt") == pytest.approx(prompt.rate)


def test_lora_leaves_embeddings_and_output_alone(pretrained):
    for target in ("lm_head", "embed_tokens"):
        with pytest.raises(TrimtabError) as caught:
            method_of(pretrained, {"name": "lora", "targets": ["q_proj", target]}).initial(0)
        assert str(caught.value) == (
            f"method.targets names '{target}', which is not a layer within the backbone. "
            "Name linear layers between the embeddings and the output."
        )
    assert not any(hasattr(module, "lora_A") for module in pretrained.backbone.model.modules())


def test_lora_dropout_falls_only_in_training_and_depends_on_the_step(pretrained):
    method = method_of(pretrained, {"name": "lora", "dropout": 0.5})
    tensors = moved(method.initial(0))

    def draw(seed):
        with torch.no_grad():
            noise = None if seed is None else torch.Generator().manual_seed(seed)
            return logits(pretrained.backbone, method.condition(tensors, noise))

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    assert torch.equal(draw(None), draw(None))
    assert not torch.equal(draw(None), draw(1))
