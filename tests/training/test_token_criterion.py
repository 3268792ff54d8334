"""Free text: the loss of a token and what dev is judged by, against F.cross_entropy on the untouched models."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.nn import functional as F

import encoder_decoders
from closeness import assert_near
from models import tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.encoder_decoder import EncoderDecoderBackbone
from trimtab.backbones.prefix import Prompt
from trimtab.decoding import scoring
from trimtab.methods.method import Condition
from trimtab.training.criterion import Conditioned
from trimtab.training.targets import TextTarget
from trimtab.training.token_criterion import TokenCriterion

ROWS = [
    TextTarget((5, 6, 7, 8), (9, 10, 0)),
    TextTarget((11,), (12, 0)),
    TextTarget((3, 14, 15, 92, 65, 30), (35, 8, 9, 0), said=(2, 3)),  # a dialogue
    TextTarget((4, 2), (0,)),
]
BATCH = [[2, 0], [1, 3, 2]]


def given_on(backbone: Any) -> Conditioned:
    """Two runs behind prompts of two lengths."""
    prompts = [Prompt(backbone.embed_with(ids, None)) for ids in ([1, 2], [40])]
    return Conditioned(backbone, [Condition(), Condition()], prompts)


def token_losses(model: Any, prompt: torch.Tensor, row: TextTarget, smoothing: float = 0.0) -> torch.Tensor:
    """Cross entropy of each trained token, the row and its whole answer read alone."""
    ids = torch.tensor([*row.ids, *row.text])
    whole = torch.cat([prompt, model.get_input_embeddings()(ids)])
    logits = model(inputs_embeds=whole[None]).logits[0, len(prompt) :]
    places = [*row.said, *range(len(row.ids), len(ids))]
    before = torch.cat([model(inputs_embeds=prompt[None]).logits[0, -1:], logits])  # foretells the token at its place
    return F.cross_entropy(before[places], ids[places], reduction="none", label_smoothing=smoothing)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("piece", [1 << 25, 3 * 97], ids=["at once", "three tokens at a time"])
def test_the_loss_is_that_of_a_token(smoothing: float, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the mean length of answers in train, so that every token counts alike in any batch."""
    monkeypatch.setattr("trimtab.training.token_loss.PIECE", piece)
    model, backbone = tiny_model("gpt2"), CausalBackbone(tiny_model("gpt2"))
    given = given_on(backbone)
    found = TokenCriterion(ROWS, ROWS, smoothing).losses(given, BATCH)
    mean = (3 + 2 + 6 + 1) / 4
    expected = [
        token_losses(model, given.prompts[k].embeddings, ROWS[i], smoothing).sum() / mean
        for k, members in enumerate(BATCH)
        for i in members
    ]
    assert_near(found, torch.stack(expected))


@pytest.mark.parametrize("tokens", [10_000, 8], ids=["one pass", "several passes"])
def test_dev_is_judged_by_the_mean_probability_of_a_token(tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "PASS_TOKENS", tokens)
    model, backbone = tiny_model("gpt2"), CausalBackbone(tiny_model("gpt2"))
    given = given_on(backbone)
    with torch.no_grad():
        found = TokenCriterion([], ROWS).evaluate(given)
        for k, score in enumerate(found):
            each = torch.cat([token_losses(model, given.prompts[k].embeddings, row) for row in ROWS])
            assert len(each) == 12
            assert_near(score.loss, float(each.mean()))
            assert score.accuracy == pytest.approx(math.exp(-score.loss))


def test_rows_are_run_with_their_answers_but_the_last_token() -> None:
    backbone = CausalBackbone(tiny_model("gpt2"))
    dev, train = TokenCriterion(ROWS[:2], ROWS[2:]).as_run(backbone)
    assert [(tuple(row.ids), tuple(row.parents)) for row in train] == [((5, 6, 7, 8, 9, 10), ()), ((11, 12), ())]
    assert [tuple(row.ids) for row in dev] == [(3, 14, 15, 92, 65, 30, 35, 8, 9), (4, 2)]


def test_a_decoder_reads_answers_as_a_tree_of_one_path() -> None:
    backbone = EncoderDecoderBackbone(encoder_decoders.tiny_model("t5"), encoder_decoders.STARTS["t5"])
    _, [row] = TokenCriterion([TextTarget((5, 6), (9, 10, 11, 0))], []).as_run(backbone)
    assert (tuple(row.ids), tuple(row.parents)) == ((5, 6, 9, 10, 11), (-1, 0, 1))
