"""Encoder-decoders: padded rows, answer trees, soft vectors and pasts, against plain transformers code row by row."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    LEDConfig,
    LEDForConditionalGeneration,
    MBartConfig,
    MBartForConditionalGeneration,
    MT5Config,
    MT5ForConditionalGeneration,
    T5Config,
)

from closeness import assert_near
from encoder_decoders import (
    ENCODER_DECODERS,
    STARTS,
    VOCABULARY,
    bart_tokenizer,
    plain,
    t5_tokenizer,
    tiny_model,
)
from trimtab.backbones.encoder_decoder import EncoderDecoderBackbone, decoder_start
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState, Prompt
from trimtab.backbones.pretrained import read_tokenizer
from trimtab.errors import BackboneError

LENGTHS = (3, 11, 5, 17, 17, 1, 8)
# An answer tree: a stem with two ways on, one of which goes further; and another beginning.
NODES, PARENTS = (7, 8, 9, 10, 11), (-1, 0, 0, -1, 2)
PATHS = [(), (7,), (7, 8), (7, 9), (10,), (7, 9, 11)]


@pytest.fixture(params=ENCODER_DECODERS)
def name(request):
    return request.param


@pytest.fixture
def backbone(name):
    return EncoderDecoderBackbone(tiny_model(name), STARTS[name])


def texts() -> list[list[int]]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(3, VOCABULARY, (n,), generator=generator).tolist() for n in LENGTHS]


def bare_and_trees() -> list[Row]:
    """Rows of which every other has an answer tree."""
    return [Row((*ids, *NODES), parents=PARENTS) if i % 2 else Row(ids) for i, ids in enumerate(texts())]


def scores(backbone, rows, prefix=None, **options) -> torch.Tensor:
    """Scores at the root and all nodes of every row."""
    given = prefix if isinstance(prefix, PrefixState) else backbone.read_prefix(prefix or ())
    layout = backbone.pack(rows, max(given.lengths, default=0))
    wanted = [first + node for first, row in zip(layout.answers_B.tolist(), rows, strict=True)
              for node in range(1 + len(row.parents))]  # fmt: skip
    return backbone.logits(backbone.forward(layout, prefix, wanted=torch.tensor(wanted), **options))


def expected(model, name, rows, soft=(), past=()) -> torch.Tensor:
    """The same by plain code: each row alone, each path alone, what stands before it as each prompt has it."""
    return torch.stack([
        plain(model, row.ids[: row.text_length], (*STARTS[name], *path), soft[row.prompt] if soft else None,
              past[row.prompt] if past else None)
        for row in rows
        for path in (PATHS if row.parents else PATHS[:1])
    ])  # fmt: skip


def vectors(*shape: int, seed: int = 2, scale: float = 0.5) -> torch.Tensor:
    return (torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale).requires_grad_()


def loss_of(x: torch.Tensor) -> torch.Tensor:
    weights = torch.randn(x.shape, generator=torch.Generator().manual_seed(9))
    return (torch.tanh(x) * weights).sum()


def close(ours: torch.Tensor | None, theirs: torch.Tensor | None) -> None:
    assert ours is not None
    assert theirs is not None
    assert_near(ours, theirs, within=1e-3)  # the gated layers of T5 v1.1 multiply roundings


def test_scores_of_rows_and_trees_equal_the_model(name, backbone):
    with torch.no_grad():
        ours, theirs = scores(backbone, bare_and_trees()), expected(tiny_model(name), name, bare_and_trees())
        assert_near(ours, theirs)
        some = torch.tensor([4, 90, 17])
        hidden = backbone.forward(backbone.pack([Row(texts()[0])]))
        assert_near(backbone.logits(hidden, some), theirs[:1, some])


def test_a_row_does_not_depend_on_its_batch(backbone, monkeypatch):
    with torch.no_grad():
        together = scores(backbone, bare_and_trees())
        assert_near(together, torch.cat([scores(backbone, [row]) for row in bare_and_trees()]))
        monkeypatch.setattr("trimtab.backbones.layout.BLOCK_SCORES", 1)
        assert_near(together, scores(backbone, bare_and_trees()))


@pytest.mark.parametrize("checkpointing", [False, True])
def test_soft_vectors_equal_their_embeddings(name, backbone, checkpointing):
    """Two prompts of different length in one batch, in front of rows and within them."""
    model = tiny_model(name)
    ours, theirs = ([vectors(3, 32), vectors(2, 32, seed=3)] for _ in range(2))
    mixed = [Row([2, -1, -2, *(() if k else (-3,)), *row.ids], prompt=k, parents=row.parents)
             for row in bare_and_trees()[:2] for k in (0, 1)]  # fmt: skip
    prompts = [Prompt(torch.zeros(0, 32), soft=own) for own in ours]
    made = scores(backbone, mixed, prompts, checkpointing=checkpointing)
    wanted = expected(model, name, mixed, theirs)
    assert_near(made, wanted)
    loss_of(made).backward()
    loss_of(wanted).backward()
    for mine, reference in zip(ours, theirs, strict=True):
        close(mine.grad, reference.grad)


@pytest.mark.parametrize(
    ("two_passes", "checkpointing"), [(False, False), (False, True), (True, False)],
    ids=["one pass", "checkpointing", "read_prefix first"],
)  # fmt: skip
def test_a_shared_past_equals_a_copy_a_row(name, backbone, two_passes, checkpointing):
    """Keys and values of every self-attention, for rows that keep their own positions; beside rows that have none."""
    model = tiny_model(name)
    ours, theirs = ([(vectors(4, 4, 8, seed=s), vectors(4, 4, 8, seed=s + 9)) for s in range(5)] for _ in range(2))
    mixed = [Row(row.ids, prompt=i // 2 % 2, parents=row.parents) for i, row in enumerate(bare_and_trees()[:4])]
    none = torch.zeros(0, 32)
    prompts = [Prompt(none, tuple(ours)), Prompt(none)]
    given = PrefixState.join([backbone.read_prefix([p]) for p in prompts]) if two_passes else prompts
    made = scores(backbone, mixed, given, checkpointing=checkpointing)
    wanted = expected(model, name, mixed, past=(theirs, None))
    assert_near(made, wanted)
    loss_of(made).backward()
    loss_of(wanted).backward()
    for mine, reference in zip(ours, theirs, strict=True):
        close(mine[0].grad, reference[0].grad)
        close(mine[1].grad, reference[1].grad)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_other_weights_get_the_models_gradients(name, backbone, checkpointing):
    """Tied embeddings, which stand in up to four places, get the sum of what falls on each."""
    model = tiny_model(name)
    own = {n: w.detach().clone().requires_grad_() for n, w in backbone.model.named_parameters()}
    loss_of(scores(backbone.adapted(own), bare_and_trees()[:4], checkpointing=checkpointing)).backward()
    loss_of(expected(model, name, bare_and_trees()[:4])).backward()
    for place, weight in model.named_parameters():
        if place.endswith("k_proj.bias"):  # which softmax takes no notice of
            assert_near(own[place].grad, weight.grad, of=own[place.replace("k_proj", "q_proj")].grad)
        elif weight.grad is not None:
            close(own[place].grad, weight.grad)


def test_a_text_as_a_past_is_what_encoder_and_decoder_make_of_it(name, backbone):
    """What a prefix starts from: the key projection of each layer's normalised input, by hooks on the plain model."""
    model, kept, ids = tiny_model(name), [], torch.tensor([5, 6, 7])
    for place, module in model.named_modules():
        if place.endswith(("SelfAttention.k", "self_attn.k_proj")):
            module.register_forward_hook(lambda *given: kept.append(given[-1][0].view(3, 4, 8)))
    with torch.no_grad():
        model(input_ids=ids[None], decoder_input_ids=ids[None])
        layers = backbone.read_prefix([backbone.embed(ids)]).layers
    assert len(layers) == len(kept) == 5
    for (key, _), reference in zip(layers, kept, strict=True):
        assert_near(key, reference)


def test_low_precision_is_near(name):
    model = tiny_model(name).to(torch.bfloat16)
    backbone = EncoderDecoderBackbone(model, STARTS[name])
    with torch.no_grad():
        ours, theirs = scores(backbone, bare_and_trees()), expected(tiny_model(name), name, bare_and_trees())
    assert (ours - theirs).abs().mean() < 0.1 * theirs.abs().max()


def test_a_row_that_is_too_long(name):
    backbone = EncoderDecoderBackbone(tiny_model(name), STARTS[name], context=20)
    with torch.no_grad():
        backbone.forward([Row([5] * 20)])
        with pytest.raises(BackboneError) as caught:
            backbone.forward([Row([5] * 21)])
    assert str(caught.value) == (
        "a row of 21 tokens is longer than the backbone's context of 20. "
        "Set template.truncate or a smaller template.max_tokens."
    )


def test_the_decoder_begins_as_in_training(name):
    tokenizer = bart_tokenizer() if name == "bart" else t5_tokenizer()
    assert decoder_start(tiny_model(name), tokenizer) == STARTS[name]


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_a_decoder_without_a_beginning(name):
    model = tiny_model(name)
    model.config.decoder_start_token_id = None
    with pytest.raises(BackboneError) as caught:
        decoder_start(model, bart_tokenizer() if name == "bart" else t5_tokenizer())
    assert str(caught.value) == (
        f"backbone of type '{name}' does not say what its decoder starts from. "
        "Set decoder_start_token_id in its config.json."
    )


@pytest.mark.parametrize(
    ("config", "tokenizer", "context"),
    [({"n_positions": 512}, {"model_max_length": 77}, 512), ({}, {"model_max_length": 77}, 77), ({}, {}, 2**31)],
)
def test_the_longest_row_where_positions_are_relative(config, tokenizer, context, tmp_path):
    T5Config(**config).save_pretrained(tmp_path)
    t5_tokenizer(**tokenizer).save_pretrained(tmp_path)
    assert read_tokenizer(tmp_path, tmp_path)[1] == context


SMALL = {
    "vocab_size": 50, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "decoder_start_token_id": 2,
}  # fmt: skip


def test_other_families_run_as_they_are():
    """mT5, and mBART, whose layers do not know their number."""
    torch.manual_seed(0)
    shape = {"vocab_size": 50, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    for model in (MT5ForConditionalGeneration(MT5Config(**shape)), MBartForConditionalGeneration(MBartConfig(**SMALL))):
        ids = torch.tensor([[4, 9, 5, 8]])
        with torch.no_grad():
            theirs = model.eval()(input_ids=ids, decoder_input_ids=torch.tensor([[0, 7]])).logits[0, -1]
            backbone = EncoderDecoderBackbone(model, (0, 7))
            assert_near(backbone.logits(backbone.forward([Row(ids[0].tolist())]))[0], theirs)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            lambda: LEDForConditionalGeneration(LEDConfig(**SMALL, attention_window=4)),
            "backbone of type 'led' cannot run with a replaced attention. "
            "Choose a transformer such as Llama, Qwen, Gemma 3, GPT-2, GPT-NeoX, OPT, BERT or RoBERTa.",
        ),
    ],
)
def test_encoder_decoders_that_cannot_be_run(model, message):
    with pytest.raises(BackboneError) as caught:
        EncoderDecoderBackbone(model(), (2,))
    assert str(caught.value) == message
