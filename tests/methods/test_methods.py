"""Every method behind one interface: against plain transformers code, and in what all have in common."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_soft_prompt import material
from torch.nn import functional as F

from closeness import assert_near
from models import tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt
from trimtab.errors import TrimtabError
from trimtab.methods.choose import make_method
from trimtab.methods.method import FIXED, Material, trained
from trimtab.methods.start import typical_size
from trimtab.settings.file import make_task
from trimtab.settings.methods import METHODS

IDS = [[5, 6, 7, 8], [9, 9], [3, 14, 15, 92, 65]]
NAMES = [name for name in METHODS if name not in ("zero_shot", "few_shot", "search")]


def method_of(pretrained, settings, **changes):
    given = settings if isinstance(settings, dict) else {"name": settings}
    return make_method(make_task({"method": given}).method, material(pretrained, **changes), read_prompt=None)


def moved(tensors, seed=3):
    """The tensors, those that are trained moved from where they start and asking for gradients."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: x if name.startswith(FIXED) else (x + 0.1 * torch.randn(x.shape, generator=generator)).requires_grad_()
        for name, x in tensors.items()
    }


def logits(backbone, condition, rows=IDS):
    """Scores of the next token by Trimtab."""
    soft = condition.soft if condition.soft is not None else torch.zeros(0, backbone.hidden_size)
    with backbone.adapted(condition.weights, condition.modules) as adapted:
        hidden = adapted.forward([Row(ids) for ids in rows], [Prompt(soft, condition.past)])
        return hidden if condition.head else adapted.logits(hidden)


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


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gpt2", "gpt_neox"])
def test_a_prefix_equals_transformers_past_key_values(architecture, pretrained):
    from transformers import DynamicCache

    oracle = tiny_model(architecture)
    backbone = CausalBackbone(copy.deepcopy(oracle))
    kind = make_task({"method": {"name": "prefix", "length": 5}}).method
    made = Material(backbone, _TokensBelow(97), "a b c", material(pretrained).verbalizer)
    method = make_method(kind, made, read_prompt=None)
    ours = moved(method.initial(0))
    theirs = {key: value.detach().clone().requires_grad_() for key, value in ours.items()}
    found = logits(backbone, method.condition(ours))
    expected = []
    for ids in IDS:
        cache = DynamicCache()
        for n in range(3):
            cache.update(*(theirs[f"{part}.{n}"].transpose(0, 1)[None] for part in ("keys", "values")), n)
        positions = torch.arange(5, 5 + len(ids))[None]
        out = oracle(input_ids=torch.tensor([ids]), past_key_values=cache, position_ids=positions)
        expected.append(out.logits[0, -1])
    assert_near(found, torch.stack(expected))
    found.square().sum().backward()
    torch.stack(expected).square().sum().backward()
    for key in ours:
        assert_near(ours[key].grad, theirs[key].grad)


class _TokensBelow:
    """A tokenizer of a tiny vocabulary: one token a character."""

    all_special_ids = ()

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": [ord(character) % self.size for character in text]}

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [chr(i) for i in ids]


def test_a_prefix_started_from_text_is_the_text(pretrained):
    """Without noise and training, the prefix is what the backbone computes for the text itself."""
    method = method_of(pretrained, {"name": "prefix", "length": 3, "init": "text", "init_text": "great film"})
    tensors = method.initial(0)
    ids = pretrained.tokenizer("great film great film")["input_ids"][:3]
    with torch.no_grad():
        text = pretrained.backbone.read_prefix([pretrained.backbone.embed(torch.tensor(ids))]).layers
    for n, (keys, values) in enumerate(text):
        for name, exact in ((f"keys.{n}", keys), (f"values.{n}", values)):
            size = np.sort(exact.abs().numpy().ravel())[(exact.numel() - 1) // 2] / 0.67449  # normal: median 0.67449 sd
            noise = (tensors[name] - exact) / size
            assert noise.square().mean().sqrt().item() == pytest.approx(0.1, rel=0.3)
            assert method.factor(name) == pytest.approx(size, rel=1e-4)
    zero = method_of(pretrained, {"name": "prefix", "init": "zero"}).initial(0)
    assert not any(x.any() for x in zero.values())


def test_a_few_huge_channels_do_not_decide_the_typical_size():
    normal = torch.randn(20, 576, generator=torch.Generator().manual_seed(0)) * 3
    assert typical_size(normal) == pytest.approx(3, rel=0.03)
    normal[:, 7] = 1600
    assert normal.square().mean().sqrt() > 60
    assert typical_size(normal) == pytest.approx(3, rel=0.03)


def test_a_prefix_through_a_network_starts_where_the_direct_one_does(pretrained):
    direct = method_of(pretrained, {"name": "prefix", "length": 4})
    network = method_of(pretrained, {"name": "prefix", "length": 4, "hidden": 7})
    plain, through = direct.condition(direct.initial(5)).past, network.condition(network.initial(5)).past
    for (k, v), (other_k, other_v) in zip(plain, through, strict=True):
        torch.testing.assert_close(k, other_k)
        torch.testing.assert_close(v, other_v)
    names = trained(network.initial(5))
    assert sorted(names) == ["network.in", "network.in_bias", "network.out", "network.read"]


@pytest.mark.parametrize("encoder", ["mlp", "lstm"])
def test_p_tuning_by_hand(pretrained, encoder):
    method = method_of(pretrained, {"name": "p_tuning", "length": 3, "hidden": 6, "encoder": encoder})
    tensors = method.initial(0)
    x = tensors["input"]
    if encoder == "mlp":
        w = [tensors[f"network.{i}.weight"] for i in (0, 2, 4)]
        b = [tensors[f"network.{i}.bias"] for i in (0, 2, 4)]
        made = F.linear(F.relu(F.linear(F.relu(F.linear(x, w[0], b[0])), w[1], b[1])), w[2], b[2])
    else:
        lstm = torch.nn.LSTM(32, 6, num_layers=2, bidirectional=True)
        lstm.load_state_dict(
            {key.removeprefix("network.lstm."): v for key, v in tensors.items() if key.startswith("network.lstm.")}
        )
        w = [tensors[f"network.head.{i}.weight"] for i in (0, 2)]
        b = [tensors[f"network.head.{i}.bias"] for i in (0, 2)]
        made = F.linear(F.relu(F.linear(lstm(x)[0], w[0], b[0])), w[1], b[1])
    torch.testing.assert_close(method.condition(tensors).soft, (x + made) * pretrained.backbone.embedding_rms)
    assert method.factor("input") == 1.0
    assert method.factor("network.0.weight") < 1.0


def test_a_head_from_label_words_scores_as_they_do(pretrained):
    method = method_of(pretrained, "head")
    condition = method.condition(method.initial(0))
    ids = torch.tensor([word.ids[0] for word in method.material.verbalizer.words])
    with torch.no_grad():
        hidden = pretrained.backbone.forward([Row(i) for i in IDS])
        expected = pretrained.backbone.logits(hidden, ids)
    assert_near(F.linear(hidden, *condition.head), expected)
    assert not method_of(pretrained, {"name": "head", "init": "zero"}).initial(0)["weight"].any()


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
