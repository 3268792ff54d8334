"""The attention of an encoder-decoder over padded rows, against torch's own, row by row and path by path."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from closeness import assert_near
from trimtab.backbones.attention.current_pass import running
from trimtab.backbones.attention.padded import AskedPaddedPass, PaddedPass, attend_padded
from trimtab.errors import BackboneError

LENGTHS, HEADS, SIZE, PATHS, SAID = (5, 2, 4), 2, 8, 2, 3
OUTSIDE = torch.arange(5) >= torch.tensor(LENGTHS)[:, None]
PAST = tuple(torch.randn(4, HEADS, SIZE, generator=torch.Generator().manual_seed(s)) for s in (8, 9))


class Attention(nn.Module):
    """What a module of the model says of itself."""

    def __init__(self, *, is_causal: bool) -> None:
        super().__init__()
        self.layer_idx, self.is_causal = 0, is_causal


SELF, CROSS = Attention(is_causal=True), Attention(is_causal=False)


def drawn(seed: int, rows: int, tokens: int) -> torch.Tensor:
    return torch.randn(rows, HEADS, tokens, SIZE, generator=torch.Generator().manual_seed(seed))


def alone(q, k, v, *, bias=None, causal=False, past=None) -> torch.Tensor:
    """One row by torch's own attention: [tokens, H, d]. No bias falls on a past."""
    mask = torch.zeros(q.shape[1], k.shape[1]) if bias is None else bias
    if causal:
        mask = mask + torch.full(mask.shape[-2:], -torch.inf).triu(1)
    if past is not None:
        k, v = (torch.cat([before.transpose(0, 1), x], 1) for before, x in zip(past, (k, v), strict=True))
        mask = torch.nn.functional.pad(mask, (len(past[0]), 0))
    return scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=0.4).transpose(0, 1)


@pytest.mark.parametrize("past", [None, PAST], ids=["alone", "behind a past"])
def test_rows_of_the_encoder_see_themselves_whole_and_nothing_that_pads(past):
    q, k, v = (drawn(seed, 3, 5) for seed in (1, 2, 3))
    bias, seen = torch.randn(1, HEADS, 5, 5), []
    now = PaddedPass(False, OUTSIDE, past and (past,), {CROSS: 0} if past else {}, seen)
    with running(now):
        found, weights = attend_padded(CROSS, q, k, v, None, scaling=0.4, position_bias=bias)
    assert weights is None
    for i, n in enumerate(LENGTHS):
        theirs = alone(q[i, :, :n], k[i, :, :n], v[i, :, :n], bias=bias[0, :, :n, :n], past=past)
        assert_near(found[i, :n], theirs)
    assert [(module, keys is k, values is v) for module, keys, values in seen] == [(CROSS, True, True)]


@pytest.mark.parametrize("past", [None, PAST], ids=["alone", "behind a past"])
def test_paths_of_the_decoder_see_what_was_said_before(past):
    rows = len(LENGTHS) * PATHS
    q, k, v = (drawn(seed, rows, SAID) for seed in (1, 2, 3))
    bias = torch.randn(1, HEADS, SAID, SAID)
    with running(PaddedPass(True, OUTSIDE, past and (past,), {SELF: 0} if past else {})):
        found, _ = attend_padded(SELF, q, k, v, None, scaling=0.4, position_bias=bias)
    theirs = [alone(q[i], k[i], v[i], bias=bias[0], causal=True, past=past) for i in range(rows)]
    assert_near(found, torch.stack(theirs))


def test_paths_of_a_row_share_what_the_encoder_made_of_it():
    """A past is no part of that, nor does T5's bias fall on it."""
    q, k, v = drawn(1, 3 * PATHS, SAID), drawn(2, 3, 5), drawn(3, 3, 5)
    with running(PaddedPass(True, OUTSIDE, (PAST,), {SELF: 0})):
        found, _ = attend_padded(CROSS, q, k, v, None, scaling=0.4, position_bias=torch.ones(1, HEADS, SAID, 5))
    for i in range(3 * PATHS):
        n = LENGTHS[i // PATHS]
        theirs = alone(q[i], k[i // PATHS, :, :n], v[i // PATHS, :, :n])
        assert_near(found[i], theirs)


@pytest.mark.parametrize(("module", "to_encoder"), [(SELF, False), (CROSS, True)])
def test_attention_may_be_worked_out_elsewhere(module, to_encoder):
    asked = []

    def attend(layer, looks_at_encoder, q, k, v, bias):
        asked.append((layer, looks_at_encoder, bias))
        return q

    q, k, v = (drawn(seed, 3, 1) for seed in (1, 2, 3))
    with running(AskedPaddedPass(True, attend)):
        found, _ = attend_padded(module, q, k, v, None, scaling=0.5)
    torch.testing.assert_close(found, q.transpose(1, 2) * 0.5)
    assert asked == [(0, to_encoder, None)]


@pytest.mark.parametrize("extra", [{"softcap": 50.0}, {"s_aux": torch.zeros(2)}, {"sliding_window": 4}])
def test_what_is_not_supported(extra):
    given = (drawn(seed, 3, 5) for seed in (1, 2, 3))
    with running(PaddedPass(False, None, None, {})), pytest.raises(BackboneError) as caught:
        attend_padded(CROSS, *given, None, **extra)
    assert str(caught.value) == (
        "an encoder-decoder with sliding windows, score capping or sinks is not supported. Choose another backbone."
    )
