"""The multitask prompt: what it is composed of, by hand, where it starts, and what another run leaves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from test_soft_prompt import material

from closeness import assert_near
from trimtab.methods.choose import make_method
from trimtab.methods.method import Tensors
from trimtab.methods.multitask import FACTOR, MultitaskPrompt, composed, source
from trimtab.settings.file import make_task

SOURCES = ["one.yaml", "two.yaml"]


def multitask(pretrained: Any, kept: Tensors | None = None, **settings: Any) -> MultitaskPrompt:
    given = {"name": "multitask_prompt", "length": 4, "rank": 2, "sources": SOURCES, **settings}
    made = make_method(make_task({"method": given}).method, material(pretrained), read_prompt=lambda folder: kept or {})
    assert isinstance(made, MultitaskPrompt)
    return made


def test_each_task_has_factors_of_its_own_whose_product_is_about_one(pretrained: Any) -> None:
    method = multitask(pretrained)
    tensors = method.initial(3)
    wide = pretrained.backbone.hidden_size
    assert {name: tuple(x.shape) for name, x in tensors.items()} == {
        "shared": (4, wide), "u": (4, 2), "v": (2, wide),
        "source.0.u": (4, 2), "source.0.v": (2, wide), "source.1.u": (4, 2), "source.1.v": (2, wide),
    }  # fmt: skip
    for whose in ("", source(0), source(1)):
        product = tensors[whose + "u"] @ tensors[whose + "v"]
        assert (product - 1).abs().max() < 0.25
    assert not torch.equal(tensors["u"], tensors["source.0.u"])
    assert [method.factor(name) for name in ("shared", "u", "source.1.v")] == [1.0, FACTOR, FACTOR]


def test_a_prompt_is_the_shared_one_times_a_sum_of_outer_products(pretrained: Any) -> None:
    method = multitask(pretrained)
    tensors = method.initial(3)
    for whose in ("", source(1)):
        u, v = tensors[whose + "u"], tensors[whose + "v"]
        by_hand = tensors["shared"] * sum(torch.outer(u[:, r], v[r]) for r in range(2))
        assert_near(composed(tensors, whose), by_hand)
        assert_near(method.of(tensors, whose).soft, by_hand * pretrained.backbone.embedding_rms)
    assert_near(method.condition(tensors).soft, method.of(tensors, "").soft)


def test_dropout_is_for_training_alone(pretrained: Any) -> None:
    method = multitask(pretrained, dropout=0.5)
    tensors = method.initial(3)
    drawn = method.condition(tensors, torch.Generator().manual_seed(0)).soft
    assert drawn is not None
    assert 0.2 < float((drawn == 0).float().mean()) < 0.8
    assert not (method.condition(tensors).soft == 0).any()


def test_another_run_leaves_its_shared_prompt_and_the_mean_of_its_tasks(pretrained: Any, tmp_path: Path) -> None:
    before = multitask(pretrained).initial(3)
    started = multitask(pretrained, before, init="run", init_run=str(tmp_path), sources=[]).initial(4)
    assert list(started) == ["shared", "u", "v"]
    assert_near(started["shared"], before["shared"])
    mean = torch.stack([before[whose + "u"] for whose in ("", source(0), source(1))]).mean(0)
    assert (started["u"] - mean).abs().max() < 0.1  # but for the noise it starts with


def test_a_soft_prompt_is_a_shared_one(pretrained: Any, tmp_path: Path) -> None:
    prompt = torch.randn(4, pretrained.backbone.hidden_size, generator=torch.Generator().manual_seed(1))
    started = multitask(pretrained, {"prompt": prompt}, init="run", init_run=str(tmp_path)).initial(4)
    assert_near(started["shared"], prompt)


@pytest.mark.parametrize("seed", [0, 1])
def test_it_starts_from_the_seed_alone(seed: int, pretrained: Any) -> None:
    one, other = multitask(pretrained).initial(seed), multitask(pretrained).initial(seed)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one["u"], multitask(pretrained).initial(seed + 1)["u"])
