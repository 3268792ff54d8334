"""Joint attention over shared prompts and rows, against torch's own attention with the prompt repeated a row."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from closeness import assert_near
from trimtab.backbones.attention import block, joint
from trimtab.backbones.attention.scoring import Scoring
from trimtab.backbones.layout import Row, pack

LENGTHS, PROMPTS = (4, 9, 9, 1, 6), (5, 3)
HEADS, KV_HEADS, SIZE = 6, 2, 8
WITHIN = 1e-5  # softmax runs in float32, everything else in float64


def tensors(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    rows, prompts = sum(LENGTHS), sum(PROMPTS)
    shapes = [(rows, HEADS), (rows, KV_HEADS), (rows, KV_HEADS), (prompts, KV_HEADS), (prompts, KV_HEADS)]
    return [torch.randn(*shape, SIZE, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


def layout(causal=True):
    rows = [Row([0] * n, prompt=i % 2) for i, n in enumerate(LENGTHS)]
    return pack(rows, heads=HEADS, prefix_length=max(PROMPTS), causal=causal)


def expected(q, k, v, kp, vp, packed, window, causal=True):
    out = torch.zeros_like(q)
    for row, start in zip(packed.rows, packed.starts, strict=True):
        span = slice(start, start + len(row.ids))
        offset = sum(PROMPTS[: row.prompt])
        prompt = slice(offset, offset + PROMPTS[row.prompt])
        keys, values = (
            torch.cat([p[prompt], x[span]]).repeat_interleave(HEADS // KV_HEADS, 1) for p, x in ((kp, k), (vp, v))
        )
        total, own = len(keys), len(row.ids)
        at = torch.arange(total)
        distance = at[-own:, None] - at[None]
        sees = (distance >= 0) & (distance < window if window else True) if causal else distance < total
        result = scaled_dot_product_attention(
            q[span].transpose(0, 1), keys.transpose(0, 1), values.transpose(0, 1), attn_mask=sees, scale=0.3
        )
        out = out.index_copy(0, torch.arange(span.start, span.stop), result.transpose(0, 1))
    return out


@pytest.mark.parametrize("span", [2, 3, 64], ids="spans of {}".format)
@pytest.mark.parametrize(("window", "causal"), [(None, True), (4, True), (12, True), (40, True), (None, False)])
def test_values_and_gradients_equal_torch(window, causal, span, monkeypatch):
    monkeypatch.setattr(block, "SPAN", span)
    ours, theirs, packed = tensors(), tensors(), layout(causal)
    q, k, v, kp, vp = ours
    a = joint.attend(q, k, v, packed, Scoring(0.3, window), prefix=(kp, vp), prefix_lengths=PROMPTS)
    b = expected(*theirs, packed, window, causal)
    assert_near(a, b, WITHIN)
    weight = torch.randn(a.shape, generator=torch.Generator().manual_seed(1), dtype=a.dtype)
    (a * weight).sum().backward()
    (b * weight).sum().backward()
    for mine, reference in zip(ours, theirs, strict=True):
        assert_near(mine.grad, reference.grad, WITHIN)


def scored(q, k, v, kp, vp, packed, cap, sinks):
    """Oracle: each row by itself, scores and shares as Gemma 2 and GPT-OSS have them."""
    out = torch.zeros_like(q)
    for row, start in zip(packed.rows, packed.starts, strict=True):
        span, offset = slice(start, start + len(row.ids)), sum(PROMPTS[: row.prompt])
        prompt = slice(offset, offset + PROMPTS[row.prompt])
        keys, values = (
            torch.cat([p[prompt], x[span]]).repeat_interleave(HEADS // KV_HEADS, 1) for p, x in ((kp, k), (vp, v))
        )
        scores = torch.einsum("qhd,khd->hqk", q[span], keys) * 0.3
        scores = cap * torch.tanh(scores / cap) if cap else scores
        own, total = len(row.ids), len(keys)
        scores = scores + torch.full((own, total), -torch.inf, dtype=q.dtype).triu(total - own + 1)
        if sinks is not None:
            scores = torch.cat([scores, sinks[:, None, None].expand(-1, own, 1)], -1)
        result = torch.einsum("hqk,khd->qhd", torch.softmax(scores, -1)[..., :total], values)
        out = out.index_copy(0, torch.arange(span.start, span.stop), result)
    return out


@pytest.mark.parametrize("span", [2, 64], ids="spans of {}".format)
@pytest.mark.parametrize(("cap", "sunk"), [(1.5, False), (None, True), (1.5, True)])
def test_capped_scores_and_sinks(cap, sunk, span, monkeypatch):
    monkeypatch.setattr(block, "SPAN", span)
    ours, theirs, packed = tensors(), tensors(), layout()
    sinks = torch.linspace(-2, 3, HEADS, dtype=torch.float64) if sunk else None
    q, k, v, kp, vp = ours
    scoring = Scoring(0.3, cap=cap, sinks_H=sinks)
    a = joint.attend(q, k, v, packed, scoring, prefix=(kp, vp), prefix_lengths=PROMPTS)
    b = scored(*theirs, packed, cap, sinks)
    assert_near(a, b, WITHIN)
    weight = torch.randn(a.shape, generator=torch.Generator().manual_seed(1), dtype=a.dtype)
    (a * weight).sum().backward()
    (b * weight).sum().backward()
    for mine, reference in zip(ours, theirs, strict=True):
        assert_near(mine.grad, reference.grad, WITHIN)


@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("prompt", [True, False], ids=["behind a prompt", "alone"])
def test_rows_with_answer_trees_are_the_same_whole_and_in_spans(prompt, window, monkeypatch):
    q, k, v, kp, vp = tensors()
    rows = [Row([0] * 9, parents=(-1, 0, -1)), Row([0] * 11, parents=(-1, -1, 1)), Row([0] * 9, prompt=1)]
    how = {"scoring": Scoring(0.3, window), "prefix": (kp, vp) if prompt else None, "prefix_lengths": PROMPTS}
    found = []
    for span in (64, 2):
        monkeypatch.setattr(block, "SPAN", span)
        out = joint.attend(q, k, v, pack(rows, heads=HEADS), **how)
        weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=out.dtype)
        wanted = (q, k, v, kp, vp) if prompt else (q, k, v)
        found.append((out, *torch.autograd.grad((out * weight).sum(), wanted)))
    for whole, spans in zip(*found, strict=True):
        assert_near(whole, spans, WITHIN)


@pytest.mark.parametrize(("pasts", "own"), [((2, 0, 3), (1, 4, 0)), ((0, 0), (2, 1)), ((5,), (3,))])
def test_a_past_stands_before_its_own_prompt(pasts, own):
    order = joint.Past.of(pasts, own, torch.device("cpu"))
    before = [[f"past {k}.{i}" for i in range(n)] for k, n in enumerate(pasts)]
    behind = [[f"own {k}.{i}" for i in range(n)] for k, n in enumerate(own)]
    names = [name for part in (*before, *behind) for name in part]
    numbers = torch.arange(float(len(names)))
    past, rest = numbers[: sum(pasts)], numbers[sum(pasts) :]
    joined = order.join(past, rest)
    expected = [name for two in zip(before, behind, strict=True) for part in two for name in part]
    assert [names[int(i)] for i in joined] == expected
    assert [x.tolist() for x in order.part(joined)] == [past.tolist(), rest.tolist()]


@pytest.mark.parametrize("want_prefix", [True, False])
def test_without_autograd_gradients_are_the_same_and_may_be_written_in_place(want_prefix):
    q, k, v, kp, vp = tensors()
    packed, weight = layout(), torch.randn(sum(LENGTHS), HEADS, SIZE, dtype=torch.float64)
    out = joint.attend(q, k, v, packed, Scoring(0.3), prefix=(kp, vp), prefix_lengths=PROMPTS)
    expected = torch.autograd.grad((out * weight).sum(), (q, k, v, kp, vp))
    how, into = block.How(packed, Scoring(0.3), PROMPTS), tuple(torch.full_like(x, 7.0) for x in (q, k, v))
    with torch.no_grad():
        place = torch.empty_like(q)
        assert joint.forward(q, k, v, kp, vp, how, place) is place
        found = joint.backward(weight, q, k, v, kp, vp, how, want_prefix=want_prefix, into=into)
    torch.testing.assert_close(place, out.detach())
    assert all(x is y for x, y in zip(found[:3], into, strict=True))
    wanted = expected if want_prefix else (*expected[:3], None, None)
    for mine, reference in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, reference)
