"""Packed rows of encoders, soft vectors and pasts, against each row alone through plain transformers code."""

from __future__ import annotations

import pytest
import torch
from transformers import LongformerConfig, LongformerForMaskedLM, ModernBertConfig, ModernBertForMaskedLM

from closeness import assert_near
from encoders import ENCODERS, VOCABULARY, plain, seeing, tiny_encoder
from trimtab.backbones.encoder import EncoderBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState, Prompt
from trimtab.errors import BackboneError

LENGTHS = (3, 11, 5, 17, 17, 1, 8)


@pytest.fixture(params=ENCODERS)
def name(request):
    return request.param


@pytest.fixture
def backbone(name):
    return EncoderBackbone(tiny_encoder(name))


def rows(**changes) -> list[Row]:
    """Rows whose answers stand in different places."""
    generator = torch.Generator().manual_seed(1)
    ids = [torch.randint(4, VOCABULARY, (n,), generator=generator).tolist() for n in LENGTHS]
    return [Row(x, answer=i * 3 % len(x), **changes) for i, x in enumerate(ids)]


def scores(backbone, hidden) -> torch.Tensor:
    return backbone.logits(hidden) if backbone.scores_words else hidden


def expected(model, name, row, soft=None, past=None) -> torch.Tensor:
    """What the row's answer is scored from: scores of all words at its place, or the mean of the row."""
    out = plain(model, row.ids, soft, past)
    return out.mean(0) if name == "bare" else out[row.answer]


def vectors(*shape: int, seed: int = 2, scale: float = 0.5) -> torch.Tensor:
    return (torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale).requires_grad_()


def loss_of(x: torch.Tensor) -> torch.Tensor:
    weights = torch.randn(x.shape, generator=torch.Generator().manual_seed(9))
    return (torch.tanh(x) * weights).sum()


def close(ours: torch.Tensor | None, theirs: torch.Tensor | None) -> None:
    assert ours is not None
    assert theirs is not None
    assert_near(ours, theirs)


def test_rows_equal_the_model(name, backbone):
    with torch.no_grad():
        ours = scores(backbone, backbone.forward(rows()))
        theirs = torch.stack([expected(tiny_encoder(name), name, row) for row in rows()])
    assert_near(ours, theirs)


def test_a_row_does_not_depend_on_its_batch(backbone, monkeypatch):
    with torch.no_grad():
        together = backbone.forward(rows())
        alone = torch.cat([backbone.forward([row]) for row in rows()])
        assert_near(together, alone)
        monkeypatch.setattr("trimtab.backbones.layout.BLOCK_SCORES", 1)
        assert_near(together, backbone.forward(rows()))


def test_soft_vectors_equal_their_embeddings(name, backbone):
    """Two prompts of different length in one batch, in front of rows and within them."""
    model, ours, theirs = (
        tiny_encoder(name),
        [vectors(3, 32), vectors(2, 32, seed=3)],
        [vectors(3, 32), vectors(2, 32, seed=3)],
    )
    mixed = [Row([2, -1, -2, *(() if k else (-3,)), *row.ids], prompt=k, answer=row.answer)
             for k in (0, 1) for row in rows()]  # fmt: skip
    none = torch.zeros(0, 32)
    state = backbone.read_prefix([Prompt(none, soft=own) for own in ours])
    made = scores(backbone, backbone.forward(mixed, state))
    wanted = torch.stack([expected(model, name, row, theirs[row.prompt]) for row in mixed])
    assert_near(made, wanted)
    loss_of(made).backward()
    loss_of(wanted).backward()
    for mine, reference in zip(ours, theirs, strict=True):
        close(mine.grad, reference.grad)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("two_passes", [False, True], ids=["one pass", "read_prefix first"])
def test_a_shared_past_equals_a_copy_a_row(name, backbone, two_passes, checkpointing):
    """Keys and values before each row, which keeps its own positions; beside rows that have none."""
    model = tiny_encoder(name)
    ours, theirs = ([(vectors(4, 4, 8, seed=s), vectors(4, 4, 8, seed=s + 9)) for s in range(3)] for _ in range(2))
    mixed = [Row(row.ids, prompt=i % 2, answer=row.answer) for i, row in enumerate(rows())]
    none = torch.zeros(0, 32)
    prompts = [Prompt(none, tuple(ours)), Prompt(none)]
    given = PrefixState.join([backbone.read_prefix([p]) for p in prompts]) if two_passes else prompts
    made = scores(backbone, backbone.forward(mixed, given, checkpointing=checkpointing))
    wanted = torch.stack([expected(model, name, row, past=None if row.prompt else theirs) for row in mixed])
    assert_near(made, wanted)
    loss_of(made).backward()
    loss_of(wanted).backward()
    for mine, reference in zip(ours, theirs, strict=True):
        close(mine[0].grad, reference[0].grad)
        close(mine[1].grad, reference[1].grad)


@pytest.mark.parametrize("two_passes", [False, True], ids=["one pass", "read_prefix first"])
def test_a_past_may_shift_the_positions_of_its_own_rows(name, backbone, two_passes):
    model = tiny_encoder(name)
    past, none = tuple((vectors(4, 4, 8, seed=s), vectors(4, 4, 8, seed=s + 9)) for s in range(3)), torch.zeros(0, 32)
    prompts = [Prompt(none, past, shift=4), Prompt(none, past)]
    given = PrefixState.join([backbone.read_prefix([p]) for p in prompts]) if two_passes else prompts
    mixed = [Row(row.ids, prompt=i % 2, answer=row.answer) for i, row in enumerate(rows())]
    made = scores(backbone, backbone.forward(mixed, given))
    first = 2 if name == "roberta" else 0
    for row, mine in zip(mixed, made, strict=True):
        positions = torch.arange(len(row.ids))[None] + first + (0 if row.prompt else 4)
        with seeing(model, past):
            theirs = model(input_ids=torch.tensor([row.ids]), position_ids=positions)[0][0]
        wanted = theirs.mean(0) if name == "bare" else theirs[row.answer]
        assert_near(mine, wanted)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_other_weights_get_the_models_gradients(name, backbone, checkpointing):
    model = tiny_encoder(name)
    if name == "bare":
        model.pooler = None
    own = {n: w.detach().clone().requires_grad_() for n, w in backbone.model.named_parameters()}
    view = backbone.adapted(own)
    loss_of(scores(view, view.forward(rows(), checkpointing=checkpointing))).backward()
    loss_of(torch.stack([expected(model, name, row) for row in rows()])).backward()
    for place, weight in model.named_parameters():
        if place.endswith("key.bias"):  # which softmax takes no notice of
            assert_near(own[place].grad, weight.grad, of=own[place.replace("key", "query")].grad)
        else:
            close(own[place].grad, weight.grad)


def test_a_text_as_a_past_is_what_the_model_makes_of_it(backbone):
    """What a prefix starts from: one pair a layer, the first from the embeddings."""
    with torch.no_grad():
        layers = backbone.read_prefix([backbone.embed(torch.tensor([5, 6, 7]))]).layers
    assert [tuple(k.shape) for k, _ in layers] == [(3, 4, 8)] * 3


def test_positions_end_where_the_model_has_none(name, backbone):
    room = 64 - (2 if name == "roberta" else 0)
    assert backbone.context == room
    with torch.no_grad():
        backbone.forward([Row([5] * room)])
        with pytest.raises(BackboneError) as caught:
            backbone.forward([Row([5] * (room + 1))])
    assert str(caught.value) == (
        f"a row of {room + 1} tokens is longer than the backbone's context of {room}. "
        "Set template.truncate or a smaller template.max_tokens."
    )


SMALL = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            lambda: ModernBertForMaskedLM(ModernBertConfig(**SMALL, pad_token_id=0)),
            "backbone of type 'modernbert' is not an encoder that Trimtab can run. Choose one such as BERT or RoBERTa.",
        ),
        (
            lambda: LongformerForMaskedLM(LongformerConfig(**SMALL, attention_window=[4])),
            "backbone of type 'longformer' cannot run with a replaced attention. "
            "Choose a transformer such as Llama, Qwen, Gemma 3, GPT-2, GPT-NeoX, OPT, BERT or RoBERTa.",
        ),
    ],
)
def test_encoders_that_cannot_be_run(model, message):
    with pytest.raises(BackboneError) as caught:
        EncoderBackbone(model())
    assert str(caught.value) == message
