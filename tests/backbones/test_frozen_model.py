"""Sizes, embeddings and scores of a frozen model, and other weights in it, by hand and by torch's functional call."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.func import functional_call
from transformers import AutoModelForCausalLM

from closeness import assert_near
from models import CONFIGS, VOCABULARY, tiny_model
from trimtab.backbones.attention.packed import PACKED_ATTENTION, attend_packed
from trimtab.backbones.frozen_model import FrozenModel, with_attention
from trimtab.backbones.layout import Row, pack
from trimtab.errors import BackboneError


def frozen(name: str = "gpt2") -> FrozenModel:
    return FrozenModel(with_attention(tiny_model(name).train().requires_grad_(True), PACKED_ATTENTION, attend_packed))


def test_the_model_is_only_read():
    model = frozen().model
    assert not model.training
    assert not any(weight.requires_grad for weight in model.parameters())
    assert model.config._attn_implementation == PACKED_ATTENTION


def test_sizes_are_those_of_the_weights():
    made = frozen("gpt_neox")  # whose output vectors are its own
    shapes = {name: tuple(weight.shape) for name, weight in made.model.named_parameters()}
    assert made.parameters == sum(int(np.prod(shape)) for shape in shapes.values())
    assert (made.vocabulary_size, made.hidden_size, made.heads, made.context) == (VOCABULARY, 32, 4, 256)
    tied = frozen("gpt2")
    assert tied.parameters == sum(weight.numel() for weight in set(tied.model.parameters()))
    expected = np.sqrt(np.mean(tied.embedding.weight.detach().numpy().astype(np.float64) ** 2))
    assert abs(tied.embedding_rms - expected) < 1e-6


def test_gemma_scales_its_embeddings():
    made, ids = frozen("gemma3"), torch.tensor([[4, 9]])
    torch.testing.assert_close(made.embed(ids), made.embedding.weight[ids] * 32**0.5)


def test_soft_vectors_stand_for_negative_ids():
    made, soft = frozen(), torch.randn(3, 32)
    words = made.embedding.weight
    found = made.embed_with([5, -3, 0, -1], soft)
    torch.testing.assert_close(found, torch.stack([words[5], soft[2], words[0], soft[0]]))
    assert made.embed_with([], soft).shape == (0, 32)
    torch.testing.assert_close(made.embed_with([5, 0], None), words[[5, 0]])


def test_rows_have_the_soft_vectors_of_their_own_prompt():
    made, first, third = frozen(), torch.randn(2, 32), torch.randn(1, 32)
    rows = [Row([-1, 7], 2), Row([6, -2, -1], 0), Row([8], 1)]
    layout = pack(rows, heads=4)
    found, words = made.embed_rows(layout, [first, None, third]), made.embedding.weight
    expected = [[third[0], words[7]], [words[6], first[1], first[0]], [words[8]]]
    for start, row in zip(layout.starts, expected, strict=True):
        torch.testing.assert_close(found[start : start + len(row)], torch.stack(row))


@pytest.mark.parametrize("cap", [None, 3.0])
def test_scores_are_products_with_the_output_vectors(cap):
    made, hidden, only = frozen("gpt_neox"), torch.randn(5, 32), torch.tensor([9, 2])
    made.output.bias = torch.nn.Parameter(torch.randn(VOCABULARY), requires_grad=False)
    made.config.final_logit_softcapping = cap
    expected = hidden.double() @ made.output.weight.double().T + made.output.bias.double()
    expected = cap * torch.tanh(expected / cap) if cap else expected
    assert_near(made.logits(hidden), expected.float())
    assert_near(made.logits(hidden, only), expected[:, only].float())


def test_other_weights_get_gradients():
    made = frozen("gpt_neox")
    before = copy.deepcopy(made.model.state_dict())
    name, hidden = "lm_head.weight", torch.randn(4, 32)
    own = torch.randn(VOCABULARY, 32).requires_grad_()
    view = made.adapted({name: own})
    assert view is not made
    found = view.logits(hidden)
    found.square().sum().backward()
    theirs = own.detach().clone().requires_grad_()
    wanted = functional_call(made.output, {"weight": theirs}, hidden)
    wanted.square().sum().backward()
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(own.grad, theirs.grad)
    assert all(torch.equal(weight, made.model.state_dict()[name]) for name, weight in before.items())


def test_nothing_to_adapt_to_is_the_same_backbone():
    made = frozen()
    for weights, modules in ((None, None), ({}, {})):
        assert made.adapted(weights, modules) is made


def test_long_positions_are_those_of_the_first_training():
    """Where one row is longer than that, transformers turns all rows of its batch in another way."""
    factors = {"long_factor": [4.0] * 4, "short_factor": [1.0] * 4}
    rope = {"rope_type": "longrope", "rope_theta": 1e4, "original_max_position_embeddings": 32, **factors}
    config = copy.deepcopy(CONFIGS["llama"])
    config.rope_parameters = rope
    model = AutoModelForCausalLM.from_config(config)
    assert FrozenModel(with_attention(model, PACKED_ATTENTION, attend_packed)).context == 32


def test_a_row_must_fit():
    made = frozen()
    made.check_length(256)
    with pytest.raises(BackboneError) as caught:
        made.check_length(257)
    assert str(caught.value) == (
        "a row of 257 tokens is longer than the backbone's context of 256. "
        "Set template.truncate or a smaller template.max_tokens."
    )
