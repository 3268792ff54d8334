"""Joint attention over shared prompts and rows, against torch's own attention with the prompt repeated a row."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from trimtab.backbones import attention, attention_block
from trimtab.backbones.layout import Row, pack

LENGTHS, PROMPTS = (4, 9, 9, 1, 6), (5, 3)
HEADS, KV_HEADS, SIZE = 6, 2, 8


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
    monkeypatch.setattr(attention_block, "SPAN", span)
    ours, theirs, packed = tensors(), tensors(), layout(causal)
    q, k, v, kp, vp = ours
    a = attention.attend(q, k, v, packed, scale=0.3, window=window, prefix=(kp, vp), prefix_lengths=PROMPTS)
    b = expected(*theirs, packed, window, causal)
    torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)  # softmax runs in float32
    weight = torch.randn(a.shape, generator=torch.Generator().manual_seed(1), dtype=a.dtype)
    (a * weight).sum().backward()
    (b * weight).sum().backward()
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, reference.grad, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("prompt", [True, False], ids=["behind a prompt", "alone"])
def test_rows_with_answer_trees_are_the_same_whole_and_in_spans(prompt, window, monkeypatch):
    q, k, v, kp, vp = tensors()
    rows = [Row([0] * 9, parents=(-1, 0, -1)), Row([0] * 11, parents=(-1, -1, 1)), Row([0] * 9, prompt=1)]
    how = {"scale": 0.3, "window": window, "prefix": (kp, vp) if prompt else None, "prefix_lengths": PROMPTS}
    found = []
    for span in (64, 2):
        monkeypatch.setattr(attention_block, "SPAN", span)
        out = attention.attend(q, k, v, pack(rows, heads=HEADS), **how)
        weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=out.dtype)
        wanted = (q, k, v, kp, vp) if prompt else (q, k, v)
        found.append((out, *torch.autograd.grad((out * weight).sum(), wanted)))
    for whole, spans in zip(*found, strict=True):
        torch.testing.assert_close(whole, spans, atol=1e-6, rtol=1e-5)


def test_rows_are_packed_by_prompt_and_length_but_found_as_given():
    packed = layout()
    # prompt 0 has rows of 4, 9, 6 tokens, prompt 1 of 9 and 1: packed 4, 6, 9 | 1, 9
    assert packed.starts == (0, 20, 10, 19, 4)
    assert packed.answers_B.tolist() == [3, 28, 18, 19, 9]
    assert packed.prompt_R.tolist() == [0] * 19 + [1] * 10
    assert packed.positions_R.tolist() == [*range(4), *range(6), *range(9), 0, *range(9)]


def test_answer_tree_positions_count_from_the_branch():
    packed = pack([Row([1, 2, 3, 7, 8, 9], parents=(-1, 0, -1))], heads=1)
    assert packed.positions_R.tolist() == [0, 1, 2, 3, 4, 3]
    assert packed.answers_B.tolist() == [2]
