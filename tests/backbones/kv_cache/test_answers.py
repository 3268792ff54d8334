"""Answers gone on with token by token, against the untouched model, which reads row and answer whole each time."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    MBartConfig,
    MBartForConditionalGeneration,
    PegasusConfig,
    PegasusForConditionalGeneration,
    UMT5Config,
    UMT5ForConditionalGeneration,
)

from closeness import assert_near
from encoder_decoders import ENCODER_DECODERS, STARTS, VOCABULARY, plain, tiny_model
from trimtab.backbones.encoder_decoder import EncoderDecoderBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt
from trimtab.errors import BackboneError

LENGTHS = (3, 11, 43, 1, 8)
STEPS = 6
NONE = torch.zeros(0, 32)


@pytest.fixture(params=ENCODER_DECODERS)
def name(request):
    return request.param


@pytest.fixture
def backbone(name):
    return EncoderDecoderBackbone(tiny_model(name), STARTS[name])


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randint(3, VOCABULARY, shape, generator=torch.Generator().manual_seed(seed))


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.5


class Whole:
    """Oracle: each row and what was said alone, through transformers' own code."""

    def __init__(self, name, rows, prompts):
        self.model, self.prompts = tiny_model(name), prompts or [Prompt(NONE)]
        self.rows = [(row, list(STARTS[name])) for row in rows]

    def step(self, tokens):
        self.rows = [(row, [*said, token]) for (row, said), token in zip(self.rows, tokens.tolist(), strict=True)]

    def select(self, rows):
        self.rows = [self.rows[i] for i in rows.tolist()]

    def scores(self):
        with torch.no_grad():
            return torch.stack([
                plain(self.model, row.ids, said, self.prompts[row.prompt].soft, self.prompts[row.prompt].past)
                for row, said in self.rows
            ])  # fmt: skip


def equal(backbone, decoding, whole: Whole) -> None:
    assert_near(backbone.logits(decoding.hidden), whole.scores())


def past(tokens: int, seed: int):
    return tuple((normal(seed + i, tokens, 4, 8), normal(seed + i + 20, tokens, 4, 8)) for i in range(5))


PROMPTS = {
    "no prompt": [],
    "soft vectors": [Prompt(NONE, soft=normal(1, 3, 32)), Prompt(NONE, soft=normal(2, 2, 32))],
    "one past": [Prompt(NONE, past(4, 3))],
    "pasts, soft vectors, nothing": [Prompt(NONE, past(4, 3)), Prompt(NONE, soft=normal(1, 2, 32)),
                                     Prompt(NONE, past(9, 4), normal(2, 2, 32))],
}  # fmt: skip


def made(backbone, name, prompts) -> tuple:
    """Rows of very different lengths with their prompts in turn: as they are gone on with, and the oracle."""
    rows = []
    for i, n in enumerate(LENGTHS):
        k = i % max(1, len(prompts))
        soft = (-2, 9, -1) if prompts and prompts[k].soft is not None else ()
        rows.append(Row((*soft, *drawn(i, n).tolist()), k))
    state = backbone.read_prefix(prompts) if prompts else None
    return backbone.prefill(rows, state), Whole(name, rows, prompts)


@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS)
def test_each_token_is_scored_as_by_the_model(name, backbone, prompts):
    ways = decoding, whole = made(backbone, name, prompts)
    tokens = drawn(9, len(LENGTHS), STEPS)
    for step in range(STEPS):
        equal(backbone, decoding, whole)
        for way in ways:
            way.step(tokens[:, step])
    equal(backbone, decoding, whole)


@pytest.mark.parametrize("prompts", [PROMPTS["no prompt"], PROMPTS["pasts, soft vectors, nothing"]])
def test_answers_are_taken_several_times_put_in_order_and_left_out(name, backbone, prompts):
    """Up to 45 tokens: further than the widest relative bias."""
    ways = decoding, whole = made(backbone, name, prompts)
    tokens = drawn(5, 7, 45)
    for way in ways:
        way.select(torch.tensor([0, 0, 1, 2, 3, 4, 4]))
        way.step(tokens[:, 0])
        way.select(torch.tensor([4, 1, 1, 3, 5, 6, 2]))
        way.step(tokens[:, 1])
    equal(backbone, decoding, whole)
    for way in ways:
        way.select(torch.tensor([4, 1]))
        for step in range(2, 20):
            way.step(tokens[:2, step])
    equal(backbone, decoding, whole)
    for way in ways:
        way.select(torch.tensor([0]))
        for step in range(20, 45):
            way.step(tokens[:1, step])
    equal(backbone, decoding, whole)


def test_rows_are_encoded_once_and_looked_at_by_what_was_made_then(name, backbone):
    """The encoder runs once, and each layer's keys for it are made once, of each row once."""
    read = []
    for place, module in backbone.model.named_modules():
        if place.endswith(("EncDecAttention.k", "encoder_attn.k_proj")):
            module.register_forward_hook(lambda _, given, out: read.append(tuple(given[0].shape)))
    encoder = backbone.model.get_encoder()
    encoder.register_forward_hook(lambda *given: read.append("encoder"))
    decoding = backbone.prefill([Row([5, 6, 7]), Row([8, 9, 4])], None)
    decoding.select(torch.tensor([0, 0, 0, 1, 1, 1]))
    for step in range(3):
        decoding.step(drawn(step, 6))
    assert read == ["encoder", *[(2, 3, 32)] * 3]


def test_low_precision_is_near(name):
    backbone = EncoderDecoderBackbone(tiny_model(name).to(torch.bfloat16), STARTS[name])
    decoding, whole = made(backbone, name, PROMPTS["pasts, soft vectors, nothing"])
    for way in (decoding, whole):
        for step in range(3):
            way.step(drawn(step, len(LENGTHS)))
    expected = whole.scores()
    assert (backbone.logits(decoding.hidden) - expected).abs().mean() < 0.1 * expected.abs().max()


SMALL = {
    "vocab_size": 50, "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "decoder_start_token_id": 2,
}  # fmt: skip
FAMILIES = {
    "umt5": lambda: UMT5ForConditionalGeneration(
        UMT5Config(vocab_size=50, d_model=16, d_kv=8, d_ff=16, num_layers=2, num_heads=2)
    ),
    "mbart": lambda: MBartForConditionalGeneration(MBartConfig(**SMALL, init_std=0.3)),
    "pegasus": lambda: PegasusForConditionalGeneration(PegasusConfig(**SMALL, init_std=0.3)),
}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_other_families(family):
    torch.manual_seed(0)
    model = family().eval()
    ids, said = torch.tensor([[4, 9, 5, 8]]), [0, 7, 11, 12, 5, 3]
    with torch.no_grad():
        expected = model(input_ids=ids, decoder_input_ids=torch.tensor([said])).logits[0]
        backbone = EncoderDecoderBackbone(model, said[:2])
        decoding = backbone.prefill([Row(ids[0].tolist())], None)
        for token, scores in zip([*said[2:], 0], expected[1:], strict=True):
            assert_near(backbone.logits(decoding.hidden)[0], scores)
            decoding.step(torch.tensor([token]))


def test_where_positions_end():
    backbone = EncoderDecoderBackbone(tiny_model("bart"), STARTS["bart"], context=20)
    with pytest.raises(BackboneError) as caught:
        backbone.prefill([Row([5] * 21)], None)
    assert str(caught.value) == (
        "a row of 21 tokens is longer than the backbone's context of 20. "
        "Set template.truncate or a smaller template.max_tokens."
    )
    decoding = backbone.prefill([Row([5] * 20)], None)
    for _ in range(62):
        decoding.step(torch.tensor([5]))
    with pytest.raises(BackboneError) as caught:
        decoding.step(torch.tensor([5]))
    with pytest.raises(BackboneError) as whole:
        backbone.forward([Row([5] * 64, parents=tuple(range(-1, 62)))])
    assert (
        str(caught.value)
        == str(whole.value)
        == (
            "an answer of 65 tokens, its beginning included, is longer than the 64 that the backbone's decoder has "
            "positions for. Set a smaller answer.max_tokens."
        )
    )
