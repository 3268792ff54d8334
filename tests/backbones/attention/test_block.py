"""Which blocks are worked out in spans, and that tokens come back to the places they were taken from."""

from __future__ import annotations

import pytest
import torch

from trimtab.backbones.attention import block
from trimtab.backbones.attention.block import How, Slots, block_of
from trimtab.backbones.attention.scoring import Scoring
from trimtab.backbones.layout import Row, pack

LENGTHS, HEADS, SIZE = (3, 1, 5, 5), 4, 2


def slots(kv_heads: int = 2, causal: bool = True) -> tuple[Slots, torch.Tensor]:
    packed = pack([Row([0] * n) for n in LENGTHS], heads=HEADS, causal=causal)
    q = torch.arange(float(sum(LENGTHS) * HEADS * SIZE)).view(-1, HEADS, SIZE)
    k = q[:, :kv_heads]
    return Slots(packed.blocks[0], q, k, k + 0.5, None, None, How(packed, Scoring(1.0))), q


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_padded_slots_repeat_a_token_and_are_left_out_when_written_back(kv_heads):
    own, q = slots(kv_heads)
    assert own.q.shape == (kv_heads, 4 * 5 * HEADS // kv_heads, SIZE)
    for shape, given in ((HEADS, q), (kv_heads, q[:, :kv_heads])):
        out = torch.full((len(q), shape, SIZE), -1.0)
        own.write(out, own.pad(given))
        assert torch.equal(out, given)
    # the shortest row, of one token, comes first: all of its five slots hold that token
    first = own.rows(own.k)[0]
    assert torch.equal(first, first[:1].expand(5, -1))
    assert torch.equal(first[0], q[0, 0])


def test_gradients_of_slots_without_a_token_are_none():
    own, q = slots()
    padded = own.pad_gradient(torch.ones_like(q)).view(2, 4, 5, -1)
    lengths = sorted(LENGTHS)
    for row, length in enumerate(lengths):
        assert padded[:, row, :length].eq(1).all()
        assert not padded[:, row, length:].any()


def test_hidden_keys_are_the_last_of_the_scores():
    own, _ = slots()
    scores = torch.zeros(2 * 4, 5 * 2, 7)  # [J*n, T*G, keys]
    hidden = torch.zeros(1, 5, 5, dtype=torch.bool)
    hidden[0, 1, 3] = True
    own.hide(scores, hidden)
    where = scores.view(2, 4, 5, 2, 7).isinf()
    assert where[:, :, 1, :, 2 + 3].all()
    assert where.sum() == 2 * 4 * 2


@pytest.mark.parametrize(("longest", "span"), [(7, None), (8, 4), (40, 5), (200, 8)])
def test_long_rows_are_cut_into_up_to_eight_spans_of_at_most_twice_the_fewest(longest, span, monkeypatch):
    monkeypatch.setattr(block, "SPAN", 4)
    packed = pack([Row([0] * longest)], heads=1)
    q = torch.zeros(longest, 1, 2)
    made = block_of(Slots(packed.blocks[0], q, q, q, None, None, How(packed, Scoring(1.0))))
    assert getattr(made, "size", None) == span
