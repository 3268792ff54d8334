"""The attention that modules call over packed tokens, against torch's own with each prompt repeated a row."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from closeness import assert_near
from trimtab.backbones.attention import joint
from trimtab.backbones.attention.current_pass import running
from trimtab.backbones.attention.packed import AskedPass, PackedPass, attend_packed
from trimtab.backbones.attention.scoring import Scoring
from trimtab.backbones.layout import Row, pack

HEADS, KV_HEADS, SIZE = 4, 2, 8
PROMPTS, LENGTHS, PASTS = (3, 2), (4, 1, 6), (2, 0)
MODULE = SimpleNamespace(layer_idx=1)


def drawn(seed: int, tokens: int, heads: int) -> torch.Tensor:
    return torch.randn(1, heads, tokens, SIZE, generator=torch.Generator().manual_seed(seed))


def given() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, keys and values of prompts and rows, as modules give them."""
    tokens = sum(PROMPTS) + sum(LENGTHS)
    return drawn(1, tokens, HEADS), drawn(2, tokens, KV_HEADS), drawn(3, tokens, KV_HEADS)


def past() -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values [tokens, heads, d] that stand before the first prompt."""
    return tuple(drawn(seed, sum(PASTS), KV_HEADS)[0].transpose(0, 1) for seed in (4, 5))


def alone(q, keys, values) -> torch.Tensor:
    """The last tokens of one text [heads, tokens, d]: [queries, heads, d]."""
    groups = HEADS // KV_HEADS
    keys, values = (torch.cat(x, 1).repeat_interleave(groups, 0) for x in (keys, values))
    own, total = q.shape[1], keys.shape[1]
    mask = torch.ones(own, total, dtype=torch.bool).tril(total - own)
    return scaled_dot_product_attention(q, keys, values, attn_mask=mask, scale=0.4).transpose(0, 1)


def expected(*, with_past: bool) -> torch.Tensor:
    q, k, v = (x[0] for x in given())
    pk, pv = (x.transpose(0, 1) for x in past())
    out, before = [], []
    for prompt, length in enumerate(PROMPTS):
        span = slice(sum(PROMPTS[:prompt]), sum(PROMPTS[:prompt]) + length)
        has = slice(0, PASTS[prompt] if with_past else 0)
        out.append(alone(q[:, span], (pk[:, has], k[:, span]), (pv[:, has], v[:, span])))
        before.append((torch.cat([pk[:, has], k[:, span]], 1), torch.cat([pv[:, has], v[:, span]], 1)))
    at = sum(PROMPTS)
    for row in sorted(range(3), key=lambda i: (i % 2, LENGTHS[i])):  # as they are packed
        span, (keys, values) = slice(at, at + LENGTHS[row]), before[row % 2]
        out.append(alone(q[:, span], (keys, k[:, span]), (values, v[:, span])))
        at += LENGTHS[row]
    return torch.cat(out)


def layouts():
    rows = [Row([0] * length, prompt=i % 2) for i, length in enumerate(LENGTHS)]
    return pack([Row([0] * n, prompt=k) for k, n in enumerate(PROMPTS)], heads=HEADS), pack(rows, heads=HEADS)


@pytest.mark.parametrize("with_past", [False, True])
def test_prompts_and_rows_in_one_pass(with_past):
    prompts, rows = layouts()
    order = joint.Past.of(PASTS, PROMPTS, torch.device("cpu")) if with_past else None
    lengths = tuple(n + (m if with_past else 0) for n, m in zip(PROMPTS, PASTS, strict=True))
    state = (None, past()) if with_past else None
    captured: list[tuple[torch.Tensor, torch.Tensor]] = []
    with running(PackedPass(prompts, rows, lengths, state, captured, order)):
        found, weights = attend_packed(MODULE, *given(), None, scaling=0.4)
    assert weights is None
    assert_near(found[0], expected(with_past=with_past))
    [(keys, values)] = captured
    assert torch.equal(keys, given()[1][0, :, : sum(PROMPTS)].transpose(0, 1))
    assert torch.equal(values, given()[2][0, :, : sum(PROMPTS)].transpose(0, 1))


def test_rows_behind_prompts_that_were_read_before():
    _, rows = layouts()
    q, k, v = given()
    S = sum(PROMPTS)
    state = (None, (k[0, :, :S].transpose(0, 1), v[0, :, :S].transpose(0, 1)))
    with running(PackedPass(None, rows, PROMPTS, state, None)):
        found, _ = attend_packed(MODULE, q[:, :, S:], k[:, :, S:], v[:, :, S:], None, scaling=0.4)
    assert_near(found[0], expected(with_past=False)[S:])


def test_the_scale_is_that_of_the_head_size_unless_it_is_given():
    _, rows = layouts()
    q, k, v = (x[:, :, sum(PROMPTS) :] for x in given())
    with running(PackedPass(None, rows, (), None, None)):
        assert torch.equal(attend_packed(MODULE, q, k, v, None)[0], attend_packed(MODULE, q, k, v, None, 8**-0.5)[0])


def test_attention_may_be_worked_out_elsewhere():
    asked = []

    def attend(layer, q, k, v, scoring):
        asked.append((layer, q.shape, k.shape, v.shape, scoring))
        return q + 1

    q, k, v = given()
    with running(AskedPass(attend)):
        found, _ = attend_packed(MODULE, q, k, v, None, scaling=0.4, sliding_window=7)
    assert torch.equal(found, q.transpose(1, 2) + 1)
    assert asked == [(1, (16, 4, 8), (16, 2, 8), (16, 2, 8), Scoring(0.4, 7))]


@pytest.mark.parametrize("size", [3, 11])
def test_values_of_another_size_than_keys(size):
    """Each column of the values is weighted like every other."""
    q, k, v = given()
    other = torch.randn(*v.shape[:-1], size)
    now = PackedPass(None, pack([Row([0] * q.shape[2])], heads=HEADS), (), None, None)
    with running(now):
        found, _ = attend_packed(MODULE, q, k, other, None)
    keys, values = (x.repeat_interleave(HEADS // KV_HEADS, 1) for x in (k, other))
    expected = scaled_dot_product_attention(q, keys, values, is_causal=True)
    assert_near(found, expected.transpose(1, 2))
