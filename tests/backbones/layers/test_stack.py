"""Stacks of fused layers, cut at every layer, against the hidden states that transformers shows of each."""

from __future__ import annotations

import pytest
import torch

from closeness import assert_near
from models import tiny_model
from trimtab.backbones.attention import joint
from trimtab.backbones.attention.packed import PackedPass
from trimtab.backbones.layers.stack import FusedStack
from trimtab.backbones.layers.weights import layers_of
from trimtab.backbones.layout import Row, pack

IDS = [3, 14, 15, 92, 65, 35, 8, 9, 79, 32]
FUSED = ("llama", "mistral", "qwen2", "qwen3", "gemma3")


@pytest.fixture(params=FUSED)
def name(request):
    return request.param


def made(name: str) -> tuple[FusedStack, list[torch.Tensor], PackedPass]:
    """All layers, what transformers shows before each layer and behind the last, and a pass of one row."""
    with torch.no_grad():
        out = tiny_model(name).model(torch.tensor([IDS]), output_hidden_states=True)
    model = tiny_model(name)
    rows = pack([Row(IDS)], heads=model.config.num_attention_heads)
    return (
        FusedStack(model.model, layers_of(model)),
        [x[0] for x in out.hidden_states],
        PackedPass(None, rows, (), None, None),
    )


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert_near(ours, theirs)


def test_each_part_goes_from_what_one_layer_finds_to_what_another_does(name):
    stack, shown, now = made(name)
    positions = torch.arange(len(IDS))
    with torch.no_grad():
        close(stack.run(shown[0], now, positions, keep=None, first_grad=0), shown[-1])
        for layer in (1, 2):
            lower, upper = stack.below(layer), stack.above(layer)
            assert (len(lower.layers), len(upper.layers)) == (layer, 3 - layer)
            close(lower.run(shown[0], now, positions, keep=None, first_grad=0), shown[layer])
            close(upper.run(shown[layer], now, positions, keep=None, first_grad=0), shown[-1])
        keep = torch.tensor([9, 2])
        close(stack.run(shown[0], now, positions, keep=keep, first_grad=0), shown[-1][keep])


def test_attention_may_be_worked_out_elsewhere(name):
    """Each layer asks for its own, with its scale and its window."""
    stack, shown, now = made(name)
    asked = []

    def attend(layer, q, k, v, scoring):
        asked.append(layer)
        return joint.attend(q, k, v, now.rows, scoring)

    found = stack.attended(shown[0].clone().requires_grad_(), torch.arange(len(IDS)), attend)
    close(found, shown[-1])
    assert not found.requires_grad
    close(stack.below(2).attended(shown[0], torch.arange(len(IDS)), attend), shown[2])
    assert asked == [0, 1, 2, 0, 1]
