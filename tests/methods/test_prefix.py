"""Prefixes: against the cache of plain transformers, and where they start."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from made_methods import IDS, logits, method_of, moved
from test_soft_prompt import material

from closeness import assert_near
from models import tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.methods.choose import make_method
from trimtab.methods.method import Material, trained
from trimtab.settings.file import make_task


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


def test_a_prefix_through_a_network_starts_where_the_direct_one_does(pretrained):
    direct = method_of(pretrained, {"name": "prefix", "length": 4})
    network = method_of(pretrained, {"name": "prefix", "length": 4, "hidden": 7})
    plain, through = direct.condition(direct.initial(5)).past, network.condition(network.initial(5)).past
    for (k, v), (other_k, other_v) in zip(plain, through, strict=True):
        torch.testing.assert_close(k, other_k)
        torch.testing.assert_close(v, other_v)
    names = trained(network.initial(5))
    assert sorted(names) == ["network.in", "network.in_bias", "network.out", "network.read"]
