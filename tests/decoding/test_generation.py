"""Answers of encoder-decoders in free text, prompts mixed, against transformers' own `generate` for each row alone."""

from __future__ import annotations

import pytest
import torch

from encoder_decoders import ENCODER_DECODERS, STARTS, VOCABULARY, seeing, t5_tokenizer, tiny_model
from models import embedded
from trimtab.backbones.encoder_decoder import EncoderDecoderBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt
from trimtab.decoding.answer_text import Ask, stopped_at
from trimtab.decoding.generation import Done, write
from trimtab.decoding.next_token import generator_of
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


@pytest.mark.parametrize(
    ("text", "stop", "lead", "expected"),
    [
        ("one\n\ntwo", ["\n\n"], "", 3),
        ("\n\none\n\ntwo", ["\n\n"], "\n\n", 5),  # the template's own white space is no end
        ("\n", ["\n"], "\n\n", None),  # it has not been said to its end yet
        ("\n\n", ["\n\n"], "\n\n", None),
        ("\n\n\n\n", ["\n\n"], "\n\n", 2),
        ("\n\n", ["\n\n"], "", 0),
        (" one\ntwo", ["\n"], "\n\n", 4),  # said without it
        ("one two", ["two", "one"], "", 0),
        ("one", ["two"], "", None),
        ("", ["a"], "", None),
        ("one", [], "\n", None),
    ],
)
def test_texts_that_end_an_answer_are_looked_for_behind_the_templates_white_space(text, stop, lead, expected):
    assert stopped_at(text, stop, lead) == expected


def first_drawn(asks: list[Ask]) -> list[int]:
    backbone = EncoderDecoderBackbone(tiny_model("t5"), STARTS["t5"])
    events = write(backbone, asks, backbone.read_prefix(prompts()), t5_tokenizer(), ENDS)
    answers = {event.row: event.answers for event in events if isinstance(event, Done)}
    return [answer.ids[0] for i in range(len(asks)) for answer in answers[i] if answer.ids]


def ranks(asks: list[Ask]) -> list[float]:
    """The uniform number that each row's first token is drawn with."""
    return [float(torch.rand((), generator=generator_of(ask, k))) for ask in asks for k in range(ask.settings.answers)]


def test_each_answer_is_drawn_from_a_stream_of_its_own():
    """Uniform over rows at one seed, over seeds, and over the answers of a row; without correlation between them."""
    settings = [TextAnswer(temperature=1.0, seed=seed, answers=2) for seed in (0, 1)]
    found = torch.tensor([ranks([Ask(Row([i, i + 1]), own, MOST) for i in range(1000)]) for own in settings])
    streams = torch.stack([found[0, ::2], found[0, 1::2], found[1, ::2], found[1, 1::2]])
    counts = torch.stack([torch.histc(stream, 10, 0, 1) for stream in streams])
    assert float(((counts - 100) ** 2 / 100).sum(1).max()) < 27.9  # chi-square of 9 degrees, p = 0.001
    assert float((torch.corrcoef(streams) - torch.eye(4)).abs().max()) < 0.11  # 3.5 standard errors
    assert float(torch.corrcoef(torch.stack([streams[0, :-1], streams[0, 1:]]))[0, 1].abs()) < 0.11


def test_what_is_drawn_follows_from_seed_and_row_alone():
    settings = TextAnswer(temperature=1.0, seed=3, answers=3)
    asks = [Ask(row, settings, 2) for row in rows()]
    together = first_drawn(asks)
    alone = [token for ask in asks for token in first_drawn([ask])]
    assert together == alone
    assert first_drawn(list(reversed(asks)))[-3:] == together[:3]
    assert first_drawn([Ask(row, settings.model_copy(update={"seed": 4}), 2) for row in rows()]) != together
