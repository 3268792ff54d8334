"""Hidden states before the last layer, and their means, against those that transformers gives."""

from __future__ import annotations

import pytest
import torch

from closeness import assert_near
from models import tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt
from trimtab.backbones.views.early import EarlyBackbone
from trimtab.errors import BackboneError

HEAD, ROWS = [4, 8, 15], [[5, 6, 7, 8], [9], [3, 14, 15, 92, 65]]


def states(architecture: str, layers: int | None) -> list[torch.Tensor]:
    """Hidden states of each row's own tokens, behind the head."""
    model = tiny_model(architecture)
    out = []
    for ids in ROWS:
        with torch.no_grad():
            made = model(torch.tensor([HEAD + ids]), output_hidden_states=True)
        out.append(made.hidden_states[-1 if layers is None else layers][0, len(HEAD) :])
    return out


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma3"])
@pytest.mark.parametrize("layers", [1, None])
@pytest.mark.parametrize("two_passes", [False, True], ids=["one pass", "read_prefix first"])
def test_means_and_answers(architecture: str, layers: int | None, two_passes: bool) -> None:
    whole = CausalBackbone(tiny_model(architecture))
    prompt = [Prompt(whole.embed_with(HEAD, None))]
    rows = [Row(ids) for ids in ROWS]
    for mean in (False, True):
        view = EarlyBackbone(whole, layers, mean=mean)
        found = view.forward(rows, view.read_prefix(prompt) if two_passes else prompt)
        each = states(architecture, layers)
        assert_near(found, torch.stack([own.mean(0) if mean else own[-1] for own in each]))
    assert whole.fused_layers == 3  # the whole one is left as it is


def test_means_of_a_family_that_runs_as_one() -> None:
    whole = CausalBackbone(tiny_model("gpt2"))
    found = EarlyBackbone(whole, None, mean=True).forward([Row(ids) for ids in ROWS], [whole.embed_with(HEAD, None)])
    assert_near(found, torch.stack([own.mean(0) for own in states("gpt2", None)]))


def test_tokens_read_each_for_itself_are_not_pooled() -> None:
    whole = CausalBackbone(tiny_model("llama"))
    view = EarlyBackbone(whole, 1, mean=True)
    layout = view.pack([Row(ROWS[0], read_at=(1, 3)), Row(ROWS[2], read_at=(0,))], len(HEAD))
    found = view.forward(layout, [whole.embed_with(HEAD, None)], wanted=layout.read_at_W)
    first, _, last = states("llama", 1)
    assert_near(found, torch.stack([first[1], first[3], last[0]]))


def test_refused() -> None:
    with pytest.raises(BackboneError) as no_layers:
        EarlyBackbone(CausalBackbone(tiny_model("gpt2")), 1, mean=False)
    assert "a backbone of type 'gpt2' is read behind its last layer, as it is. Leave method.layer" in str(
        no_layers.value
    )
    with pytest.raises(BackboneError) as too_many:
        EarlyBackbone(CausalBackbone(tiny_model("llama")), 4, mean=False)
    assert str(too_many.value) == "method.layer is 4, and the backbone has 3 layers. Set it to 1, say."
