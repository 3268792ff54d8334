"""What backbones answer for themselves, and answers said by them against transformers' own loss of these answers."""

from __future__ import annotations

import pytest
import torch

import encoder_decoders
import models
from closeness import assert_near
from encoders import tiny_encoder
from trimtab.backbones.backbone import AnswerPlace, Backbone
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.encoder import EncoderBackbone
from trimtab.backbones.encoder_decoder import EncoderDecoderBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.views.late import LateBackbone
from trimtab.errors import BackboneError


def encoder_decoder(name: str = "t5") -> EncoderDecoderBackbone:
    return EncoderDecoderBackbone(encoder_decoders.tiny_model(name), encoder_decoders.STARTS[name])


BACKBONES = {
    "fused": lambda: CausalBackbone(models.tiny_model("llama")),
    "modules": lambda: CausalBackbone(models.tiny_model("gpt2")),
    "late": lambda: LateBackbone(CausalBackbone(models.tiny_model("llama")), 1),
    "masked": lambda: EncoderBackbone(tiny_encoder("bert")),
    "bare": lambda: EncoderBackbone(tiny_encoder("bare")),
    "encoder-decoder": encoder_decoder,
}
BEHIND, WITHIN, APART = AnswerPlace
ANSWERS = {
    #                        fused   modules late    masked  bare    encoder-decoder
    "answer_place":            [BEHIND, BEHIND, BEHIND, WITHIN, WITHIN, APART],
    "whole_rows":              [False, False, False, True, True, True],
    "scores_words":            [True, True, True, True, False, True],
    "answers_at_mask":         [False, False, False, True, False, False],
    "generates":               [True, True, True, False, False, True],
    "reads_tokens":            [True, True, True, True, True, False],
    "past_may_take_positions": [True, True, True, True, True, False],
    "fused_layers":            [3, 0, 0, 0, 0, 0],
    "start":                   [(), (), (), (), (), (0,)],
    "bidirectional":           [False, False, False, True, True, True],
    "encoder_decoder":         [False, False, False, False, False, True],
}  # fmt: skip


@pytest.fixture(params=BACKBONES)
def name(request):
    return request.param


def test_each_answers_for_itself(name):
    backbone, place = BACKBONES[name](), list(BACKBONES).index(name)
    assert {what: getattr(backbone, what) for what in ANSWERS} == {what: row[place] for what, row in ANSWERS.items()}


def test_each_has_all_of_the_interface(name):
    backbone = BACKBONES[name]()
    wanted = [what for what in vars(Backbone) if not what.startswith("_")]
    assert len(wanted) > 30
    assert [what for what in wanted if not hasattr(backbone, what)] == []


@pytest.mark.parametrize("kind", ["fused", "modules"])
def test_a_causal_prompt_is_what_stands_before_rows(kind):
    backbone, soft, past = BACKBONES[kind](), torch.randn(2, 32), ((torch.zeros(4, 2, 8), torch.zeros(4, 2, 8)),) * 3
    prompt = backbone.prompt([7, -2, 9, -1], soft, past, shift=4)
    words = backbone.embedding.weight
    torch.testing.assert_close(prompt.embeddings, torch.stack([words[7], soft[1], words[9], soft[0]]))
    assert (prompt.past, prompt.soft, prompt.shift, prompt.length) == (past, None, 0, 8)
    assert backbone.prompt([], soft, slots=True).soft is soft


@pytest.mark.parametrize("kind", ["masked", "bare", "encoder-decoder"])
def test_whole_rows_hold_all_but_a_past(kind):
    backbone, soft, past = BACKBONES[kind](), torch.randn(2, 32), ((torch.zeros(4, 4, 8), torch.zeros(4, 4, 8)),) * 3
    prompt = backbone.prompt([7, -2, 9, -1], soft, past, shift=4)
    assert prompt.embeddings.shape == (0, 32)
    assert (prompt.past, prompt.soft, prompt.shift) == (past, soft, 4)


def test_a_late_prompt_is_hidden_states_alone():
    hidden = torch.randn(4, 32)
    prompt = BACKBONES["late"]().prompt([7, 9], hidden)
    assert prompt.embeddings is hidden
    assert (prompt.past, prompt.soft) == (None, None)


SAID = (11, 5, 42, 8)


def said(backbone, ids, prompt=()) -> torch.Tensor:
    """Negative log-likelihood of SAID behind a row, of which all but the last token is read."""
    row = backbone.answer_row(ids, SAID)
    layout = backbone.pack([row])
    wanted = torch.arange(len(ids) - 1, len(ids) - 1 + len(SAID))
    logits = backbone.logits(backbone.forward(layout, prompt, wanted=wanted))
    return torch.nn.functional.cross_entropy(logits, torch.tensor(SAID), reduction="sum")


@pytest.mark.parametrize("kind", ["fused", "modules"])
def test_an_answer_behind_a_row_costs_what_the_model_says(kind):
    model, ids = models.tiny_model("llama" if kind == "fused" else "gpt2"), [3, 14, 15]
    with torch.no_grad():
        theirs = model(torch.tensor([[*ids, *SAID]]), labels=torch.tensor([[*[-100] * 3, *SAID]])).loss * len(SAID)
        assert_near(said(BACKBONES[kind](), ids), theirs)


@pytest.mark.parametrize("family", ["t5", "bart"])
def test_an_answer_apart_costs_what_the_model_says(family):
    model, ids = encoder_decoders.tiny_model(family), [3, 14, 15]
    start = encoder_decoders.STARTS[family]
    with torch.no_grad():
        read = torch.tensor([[*start, *SAID[:-1]]])
        logits = model(input_ids=torch.tensor([ids]), decoder_input_ids=read).logits[0, len(start) - 1 :]
        theirs = torch.nn.functional.cross_entropy(logits, torch.tensor(SAID), reduction="sum")
        assert_near(said(encoder_decoder(family), ids), theirs)


def test_answers_of_one_token_add_none_to_a_row(name):
    backbone = BACKBONES[name]()
    if backbone.generates:
        assert backbone.answer_row([3, 4], [9], prompt=2) == Row((3, 4), 2)


@pytest.mark.parametrize("kind", ["masked", "bare"])
def test_encoders_say_nothing(kind):
    backbone = BACKBONES[kind]()
    for asked in (lambda: backbone.prefill([Row([5])], None), lambda: backbone.answer_row([5], [6, 7])):
        with pytest.raises(BackboneError) as caught:
            asked()
        assert str(caught.value) == (
            "free text is said token by token, and a backbone of type 'bert' is an encoder. "
            "Choose a causal backbone or an encoder-decoder."
        )


def test_a_late_prompt_goes_with_no_other_weights():
    backbone = BACKBONES["late"]()
    assert backbone.adapted(None) is backbone
    name, weight = next(backbone.model.named_parameters())
    with pytest.raises(BackboneError) as caught:
        backbone.adapted({name: torch.zeros_like(weight)})
    assert str(caught.value) == (
        "a prompt that enters at a later layer goes with the backbone's own weights only. "
        "Take the other weights and modules out."
    )
