"""Rows gone on with token by token score as rows read whole, for every family, prompts mixed."""

from __future__ import annotations

import pytest
import torch

from models import ARCHITECTURES, VOCABULARY, tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.decoding import Kept, ReadAgain, begin
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt

FUSED = {"llama", "mistral", "qwen2", "qwen3", "gemma3"}
PATHS = [(name, fuse) for name in ARCHITECTURES for fuse in (True, False) if name in FUSED or not fuse]
LENGTHS = (3, 11, 5, 1, 8)
STEPS = 6


@pytest.fixture(params=PATHS, ids=[f"{name}-{'fused' if fuse else 'plain'}" for name, fuse in PATHS])
def backbone(request):
    return CausalBackbone(tiny_model(request.param[0]), fuse=request.param[1])


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randint(VOCABULARY, shape, generator=torch.Generator().manual_seed(seed))


def state_of(backbone, lengths, past: bool = False):
    generator = torch.Generator().manual_seed(2)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    size = backbone.hidden_size
    prompts = [Prompt(normal(n, size) * backbone.embedding_rms, soft=normal(2, size)) for n in lengths]
    state = backbone.read_prefix(prompts)
    if past:
        shape = state.layers[0][0].shape[1:]
        pasts = [tuple((normal(4, *shape), normal(4, *shape)) for _ in state.layers) for _ in lengths]
        state = backbone.read_prefix(
            [Prompt(p.embeddings, past, p.soft) for p, past in zip(prompts, pasts, strict=True)]
        )
    return state


def whole(backbone, rows, tokens, state):
    """Oracle: the rows read anew with what was put behind them."""
    grown = [Row((*row.ids, *own), row.prompt) for row, own in zip(rows, tokens.tolist(), strict=True)]
    with torch.no_grad():
        return backbone.forward(grown, state)


@pytest.mark.parametrize("lengths", [(), (6,), (6, 1, 13)], ids=["no prompt", "one prompt", "three prompts"])
def test_going_on_equals_reading_whole(backbone, lengths):
    state = state_of(backbone, lengths) if lengths else None
    rows = [Row(drawn(i, n).tolist(), i % max(1, len(lengths))) for i, n in enumerate(LENGTHS)]
    tokens = drawn(9, len(rows), STEPS)
    decoding = begin(backbone, rows, state)
    assert isinstance(decoding, Kept)
    for step in range(STEPS):
        torch.testing.assert_close(
            decoding.hidden, whole(backbone, rows, tokens[:, :step], state), atol=2e-5, rtol=1e-5
        )
        decoding.step(tokens[:, step])
    torch.testing.assert_close(decoding.hidden, whole(backbone, rows, tokens, state), atol=2e-5, rtol=1e-5)


def test_pasts_and_soft_vectors_in_rows(backbone):
    state = state_of(backbone, (3, 5), past=True)
    rows = [Row([5, -1, 7, -2], 0), Row([-2, 3], 1), Row([9], 1)]
    tokens = drawn(4, 3, 3)
    decoding = begin(backbone, rows, state)
    for step in range(3):
        decoding.step(tokens[:, step])
    torch.testing.assert_close(decoding.hidden, whole(backbone, rows, tokens, state), atol=2e-5, rtol=1e-5)


def test_rows_are_taken_several_times_put_in_order_and_left_out(backbone):
    state = state_of(backbone, (6, 2, 4))
    rows = [Row(drawn(i, n).tolist(), i % 3) for i, n in enumerate(LENGTHS)]
    decoding, again = begin(backbone, rows, state), ReadAgain(backbone, rows, state)
    taken, tokens = torch.tensor([4, 1, 1, 3, 4]), drawn(5, 5, 40)
    for way in (decoding, again):
        way.step(tokens[:, 0])
        way.select(taken)
        way.step(tokens[:, 1])
    torch.testing.assert_close(decoding.hidden, again.hidden, atol=2e-5, rtol=1e-5)
    left = torch.tensor([2])
    for way in (decoding, again):
        way.select(left)
    for step in range(2, 40):  # beyond the room made at first
        decoding.step(tokens[2:3, step])
    for step in range(2, 40):
        again.step(tokens[2:3, step])
    torch.testing.assert_close(decoding.hidden, again.hidden, atol=5e-5, rtol=1e-4)
