"""Prompts that enter at a later layer, against transformers' own layers with hidden states put in by hand."""

from __future__ import annotations

import pytest
import torch

from closeness import assert_near
from models import VOCABULARY, tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.views.late import LateBackbone
from trimtab.errors import BackboneError

FIXED = [4, 8, 15]
ROWS = [[5, 6, 7, 8], [9], [3, 14, 15, 92, 65], [9]]
START = 1


def late(architecture: str, **changes) -> LateBackbone:
    return LateBackbone(CausalBackbone(tiny_model(architecture)), START, **{"fixed": FIXED, **changes})


def prompts(n: int = 2) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(4 + k, 32, generator=generator).requires_grad_() for k in range(n)]


def oracle(architecture: str, ids: list[int], prompt: torch.Tensor) -> torch.Tensor:
    """Scores behind one row: the model's own layers, the prompt put before the hidden states between two of them."""
    model = tiny_model(architecture)
    enter = model.model.layers[START].register_forward_pre_hook(_put_before(prompt), with_kwargs=True)
    for layer in model.model.layers[START:]:
        layer.register_forward_pre_hook(_stretch(len(FIXED) + len(ids) + len(prompt), model), with_kwargs=True)
    scores = model(torch.tensor([FIXED + ids]), use_cache=False).logits[0, -1]
    enter.remove()
    return scores


def _put_before(prompt):
    def hook(module, arguments, keywords):
        return (torch.cat([prompt[None], arguments[0]], 1),), keywords

    return hook


def _stretch(length: int, model):
    """Positions and mask for the longer sequence."""

    def hook(module, arguments, keywords):
        positions = torch.arange(length)[None]
        rotary = model.model.rotary_emb
        kind = getattr(module.self_attn, "layer_type", None) if model.config.model_type == "gemma3_text" else None
        embedded = rotary(arguments[0], positions, kind) if kind else rotary(arguments[0], positions)
        distance = torch.arange(length)[:, None] - torch.arange(length)[None]
        window = getattr(module.self_attn, "sliding_window", None) or model.config.to_dict().get("sliding_window")
        if kind == "full_attention":
            window = None
        hidden = (distance < 0) | (distance >= window if window else torch.zeros_like(distance, dtype=torch.bool))
        mask = torch.zeros(length, length).masked_fill_(hidden, float("-inf"))[None, None]
        changed = {"position_embeddings": embedded, "attention_mask": mask, "position_ids": positions}
        return arguments, {**keywords, **changed}

    return hook


@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen2", "qwen3", "gemma3"])
@pytest.mark.parametrize("two_passes", [False, True], ids=["one pass", "read_prefix first"])
def test_values_and_gradients(architecture, two_passes):
    ours, theirs, backbone = prompts(), prompts(), late(architecture)
    rows = [Row(ids, prompt=i % 2) for i, ids in enumerate(ROWS)]
    found = backbone.logits(backbone.forward(rows, backbone.read_prefix(ours) if two_passes else ours))
    expected = torch.stack([oracle(architecture, ids, theirs[i % 2]) for i, ids in enumerate(ROWS)])
    assert_near(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    for mine, reference in zip(ours, theirs, strict=True):
        assert_near(mine.grad, reference.grad)


@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen2", "qwen3", "gemma3"])
def test_going_on_token_by_token(architecture):
    """Two prompts in one batch, each row as the model's own layers read it whole."""
    given, backbone = prompts(), late(architecture)
    rows = [list(ids) for ids in ROWS]
    with torch.no_grad():
        state = backbone.read_prefix(given)
        decoding = backbone.prefill([Row(ids, prompt=i % 2) for i, ids in enumerate(rows)], state)
        for token in (7, 1, 30, 11, 2, 64):
            decoding.step(torch.arange(token, token + 4))
            rows = [[*ids, token + i] for i, ids in enumerate(rows)]
            expected = torch.stack([oracle(architecture, ids, given[i % 2]) for i, ids in enumerate(rows)])
            assert_near(backbone.logits(decoding.hidden), expected)


def test_kept_hidden_states_change_nothing_and_stay_within_their_size(monkeypatch):
    prompt = prompts(1)
    fresh, keeping = late("llama"), late("llama", cache_bytes=32 * 4 * 6)  # six tokens
    made = []
    lower = CausalBackbone.hidden_at
    monkeypatch.setattr(
        CausalBackbone, "hidden_at", lambda s, n, rows, *a: made.append(len(rows)) or lower(s, n, rows, *a)
    )
    rows = [Row(ids) for ids in ROWS]
    keeping.expect([rows])
    with torch.no_grad():
        expected = fresh.forward(rows, prompt)
        for _ in range(3):
            assert_near(keeping.forward(rows, prompt), expected)
    # head and all distinct rows; then the head, those that fit once, and the longest row, which does not, every time
    assert made == [3, 10, 3, 5, 5, 5, 5]


def test_trees_and_no_fixed_tokens():
    backbone, prompt = late("qwen3", fixed=()), prompts(1)
    nodes, parents = (5, 7, 9, 8), (-1, 0, 1, 0)
    layout = backbone.pack([Row([3, 1, *nodes], parents=parents)])
    with torch.no_grad():
        tree = backbone.forward(layout, prompt, wanted=torch.arange(2, 6))
        branches = [backbone.forward([Row([3, 1, *branch])], prompt) for branch in ((5,), (5, 7), (5, 7, 9), (5, 8))]
    assert_near(tree, torch.cat(branches))


def test_refusals():
    for start in (0, 3, 7):
        with pytest.raises(BackboneError) as caught:
            LateBackbone(CausalBackbone(tiny_model("llama")), start)
        assert str(caught.value) == (
            f"method.layer is {start}, but a prompt can enter at layers 1 to 2 of the backbone. Set it to 1, say."
        )
    with pytest.raises(BackboneError) as caught:
        LateBackbone(CausalBackbone(tiny_model("gpt2")), 1)
    assert str(caught.value) == (
        "a prompt cannot enter a backbone of type 'gpt2' at a later layer. "
        "Choose a backbone of the Llama, Mistral, Qwen or Gemma 3 family, or another method."
    )


def test_the_vocabulary_is_the_whole_ones():
    assert late("llama").vocabulary_size == VOCABULARY
