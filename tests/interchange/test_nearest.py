"""A soft prompt in words, against cosines of every pair."""

from __future__ import annotations

from dataclasses import replace

import torch

from causal_adapters import refusal, run_of
from trimtab.interchange.nearest import describe, nearest


def test_a_soft_prompt_in_words(pretrained):
    ids = pretrained.tokenizer("great film bad")["input_ids"]
    run = run_of(pretrained, {"name": "soft_prompt", "length": len(ids)})
    exact = pretrained.backbone.embed(torch.tensor(ids)) * 3
    described = describe(replace(run, tensors=({"prompt": exact},)), pretrained)
    assert described["text"] == "great film bad"
    assert [token["id"] for token in described["tokens"]] == ids
    assert [token["cosine"] for token in described["tokens"]] == [1.0] * len(ids)
    assert described["caution"].startswith("A description, not an equivalent: ")


def test_the_nearest_are_those_of_every_pair():
    generator = torch.Generator().manual_seed(0)
    soft, table = (torch.randn(n, 8, generator=generator) for n in (3, 50))
    every = torch.cosine_similarity(soft[:, None], table[None], dim=2)
    cosines, found = nearest(soft, table)
    torch.testing.assert_close(cosines, every.amax(1))
    assert torch.equal(found, every.argmax(1))
    scaled = nearest(soft * 100, table.bfloat16() * 3)
    assert torch.equal(scaled[1], found)


def test_an_embedding_of_zeros_is_near_to_nothing():
    cosines, found = nearest(torch.tensor([[-1.0, -1.0]]), torch.tensor([[1.0, 1.0], [0.0, 0.0]]))
    assert (cosines.tolist(), found.tolist()) == ([0.0], [1])


def test_runs_without_a_soft_prompt(pretrained):
    for name in ("prefix", "late_prompt", "lora"):
        assert refusal(lambda name=name: describe(run_of(pretrained, name), pretrained)) == (
            f"runs/a: method '{name}' has no soft prompt to put into words. Only soft_prompt and p_tuning have one."
        )


def test_a_run_of_another_backbone(pretrained):
    run = run_of(pretrained, {"name": "soft_prompt", "length": 2})
    other = replace(run, backbone={**run.backbone, "content_hash": "0" * 64})
    assert refusal(lambda: describe(other, pretrained)).startswith("runs/a: made for backbone '")
