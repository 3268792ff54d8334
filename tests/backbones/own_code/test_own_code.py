"""A Llama and a BERT run by their own code make what the packed ones make of the same rows, prompts and trees."""

from __future__ import annotations

import pytest
import torch

from closeness import assert_near
from encoders import tiny_encoder
from models import VOCABULARY, tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.encoder import EncoderBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.own_code import padding
from trimtab.backbones.own_code.causal import OwnCodeCausal
from trimtab.backbones.own_code.encoder import OwnCodeEncoder
from trimtab.backbones.prefix import Prompt
from trimtab.backbones.views.early import EarlyBackbone
from trimtab.backbones.views.late import LateBackbone
from trimtab.errors import BackboneError


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tokens(seed: int, n: int) -> tuple[int, ...]:
    return tuple(torch.randint(VOCABULARY, (n,), generator=torch.Generator().manual_seed(seed)).tolist())


def causal() -> tuple[OwnCodeCausal, CausalBackbone]:
    return OwnCodeCausal(tiny_model("llama")), CausalBackbone(tiny_model("llama"))


def prompts(backbone: CausalBackbone) -> list[Prompt]:
    size, unit = backbone.hidden_size, backbone.embedding_rms
    vectors = [(drawn(k, n, size) * unit).requires_grad_() for k, n in enumerate((3, 0, 7))]
    return [Prompt(own, soft=drawn(9 + k, 2, size) * unit) for k, own in enumerate(vectors)]


ROWS = [
    Row(tokens(1, 6), 2),
    Row((*tokens(2, 4), *tokens(3, 5)), 0, (-1, -1, 0, 0, 3)),  # text and a tree of five nodes, of which three end it
    Row((5, -1, 7, -2, 9), 1, answer=2),
    Row(tokens(4, 1), 2),
    Row((*tokens(5, 3), 8), 1, (-1,)),
]


@pytest.mark.parametrize("room", [padding._TOKENS, 1], ids=["one batch", "each alone"])
def test_rows_behind_prompts_with_gradients(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(padding, "_TOKENS", room)
    own, packed = causal()
    found, expected = [], []
    for backbone, out in ((own, found), (packed, expected)):
        given = prompts(packed)
        layout = backbone.pack(ROWS)
        hidden = backbone.forward(layout, given, wanted=torch.arange(len(layout)))
        loss = (hidden * drawn(3, *hidden.shape)).sum()
        out += [hidden, *torch.autograd.grad(loss, [prompt.embeddings for prompt in given], allow_unused=True)]
        with torch.no_grad():
            state = backbone.read_prefix(given)
            out += [backbone.forward(ROWS, state), backbone.logits(backbone.forward(ROWS[::-1], state))]
    for one, other in zip(found, expected, strict=True):
        if other is not None and other.numel():
            assert_near(one, other)


def test_rows_said_token_by_token() -> None:
    own, packed = causal()
    rows, more = [ROWS[0], ROWS[2], ROWS[3]], [Row(tokens(6, 4), 0), Row((9,), 2)]
    pairs = []
    for backbone in (own, packed):
        with torch.no_grad():
            state = backbone.read_prefix(prompts(packed))
        pairs.append((backbone.prefill([Row(row.ids, row.prompt) for row in rows], state), state))
    for move in (
        lambda decoding, _: decoding.step(torch.tensor([5, 6, 7])),
        lambda decoding, _: decoding.select(torch.tensor([2, 0, 2])),
        lambda decoding, _: decoding.step(torch.tensor([1, 2, 3])),
        lambda decoding, state: decoding.admit(more, state),
        lambda decoding, _: decoding.step(torch.tensor([1, 2, 3, 4, 5])),
    ):
        for pair in pairs:
            move(*pair)
        assert_near(pairs[0][0].hidden, pairs[1][0].hidden)


def test_what_is_longer_than_the_context() -> None:
    own, _ = causal()
    own.context = 9
    with pytest.raises(BackboneError, match=r"^a row of 10 tokens is longer than the backbone's context of 9\."):
        own.forward([Row(tokens(1, 7))], [torch.zeros(3, own.hidden_size)])
    decoding = own.prefill([Row(tokens(1, 9))], None)
    with pytest.raises(BackboneError, match=r"^a row of 10 tokens is longer than the backbone's context of 9\."):
        decoding.step(torch.tensor([4]))


@pytest.mark.parametrize("name", ["bert", "bare"])
def test_encoders(name: str) -> None:
    own, packed = OwnCodeEncoder(tiny_encoder(name)), EncoderBackbone(tiny_encoder(name))
    size = own.hidden_size
    rows = [Row((2, -1, 5, 6, -2, 3), 1, answer=2), Row((2, 9, -1, 3), 0, answer=1), Row((4, 5, 6), 1, read_at=(0, 2))]
    found = []
    for backbone in (own, packed):
        soft = [(drawn(k, 2, size) * 0.1).requires_grad_() for k in (0, 1)]
        given = [backbone.prompt((), vectors, slots=True) for vectors in soft]
        layout = backbone.pack(rows)
        hidden = backbone.forward(layout, given, wanted=torch.cat([layout.answers_B[:2], layout.read_at_W]))
        grads = torch.autograd.grad((hidden * drawn(4, *hidden.shape)).sum(), soft)
        with torch.no_grad():
            found.append([hidden, *grads, backbone.forward(layout, backbone.read_prefix(given))])
    for one, other in zip(*found, strict=True):
        assert_near(one, other)


def test_keys_and_values_before_rows_are_refused() -> None:
    past = ((torch.zeros(2, 2, 8), torch.zeros(2, 2, 8)),)
    for own in (causal()[0], OwnCodeEncoder(tiny_encoder("bert"))):
        given = [own.prompt((), None, past)]
        for call in (own.read_prefix, lambda given, own=own: own.forward([Row((4, 5))], given)):
            with pytest.raises(BackboneError) as caught:
                call(given)
            assert caught.value.message == (
                f"a prefix is keys and values, and the layers of a backbone of type '{own.config.model_type}' are run "
                "by their own code, which takes none."
            )


def test_views_of_packed_layers_are_refused() -> None:
    """They would run rows through each other."""
    own, _ = causal()
    for view in (lambda: EarlyBackbone(own, None, mean=True), lambda: LateBackbone(own, 1, ())):
        with pytest.raises(BackboneError, match=r"^a (backbone of type .* is read|prompt cannot)"):
            view()
