"""Answers of encoder-decoders in free text, prompts mixed, against transformers' own `generate` for each row alone."""

from __future__ import annotations

import pytest
import torch

from encoder_decoders import ENCODER_DECODERS, STARTS, VOCABULARY, seeing, t5_tokenizer, tiny_model
from models import embedded
from trimtab.backbones.encoder_decoder import EncoderDecoderBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt
from trimtab.decoding.generation import Ask, Done, write
from trimtab.settings.answers import TextAnswer

MOST = 40
# Several, so that answers end early, late and not at all; what a decoder starts from among them, which transformers
# takes for a part of the answer where nothing may be said twice.
ENDS = [0, 2, *range(7, VOCABULARY, 12)]
NONE = torch.zeros(0, 32)


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.5


def prompts() -> list[Prompt]:
    """Nothing, soft vectors, and a past of every self-attention with soft vectors."""
    past = tuple((drawn(i, 4, 4, 8), drawn(i + 9, 4, 4, 8)) for i in range(5))
    return [Prompt(NONE), Prompt(NONE, soft=drawn(30, 2, 32)), Prompt(NONE, past, drawn(31, 2, 32))]


def rows() -> list[Row]:
    """Every prompt with a short and a long row."""
    generator = torch.Generator().manual_seed(1)
    texts = [torch.randint(3, VOCABULARY, (n,), generator=generator).tolist() for n in (2, 30)]
    return [Row([-1, *ids[:1], -2, *ids[1:]] if k else ids, k) for ids in texts for k in range(3)]


def generated(model, name: str, row: Row, **how) -> list[int]:
    """What transformers says behind a row, without the end."""
    prompt, start = prompts()[row.prompt], STARTS[name]
    with torch.no_grad(), seeing(model, prompt.past):
        ids = model.generate(
            inputs_embeds=embedded(model, row.ids, prompt.soft)[None], decoder_input_ids=torch.tensor([start]),
            max_new_tokens=MOST, eos_token_id=ENDS, pad_token_id=0, use_cache=False, no_repeat_ngram_size=2, **how,
        )[0].tolist()[len(start) :]  # fmt: skip
    return ids[: next((i for i, token in enumerate(ids) if token in ENDS), MOST)]


@pytest.mark.parametrize("how", [{"num_beams": 1, "do_sample": False}, {"num_beams": 3, "length_penalty": 1.0}])
@pytest.mark.parametrize("name", ENCODER_DECODERS)
def test_a_mixed_batch_says_what_transformers_says_of_each_row(name, how):
    model, backbone = tiny_model(name), EncoderDecoderBackbone(tiny_model(name), STARTS[name])
    settings = TextAnswer(beams=how["num_beams"], no_repeat_ngram=2)
    asks = [Ask(row, settings, MOST) for row in rows()]
    state = backbone.read_prefix(prompts())
    events = write(backbone, asks, state, t5_tokenizer(), ENDS)
    found = {event.row: list(event.answers[0].ids) for event in events if isinstance(event, Done)}
    expected = {i: generated(model, name, row, **how) for i, row in enumerate(rows())}
    assert found == expected
    assert len({len(ids) for ids in expected.values()}) > 2
