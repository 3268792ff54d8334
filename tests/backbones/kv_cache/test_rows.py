"""Rows gone on with token by token score as rows read whole, for every family, prompts mixed."""

from __future__ import annotations

import pytest
import torch

from closeness import assert_near
from models import ARCHITECTURES, VOCABULARY, tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import PrefixState, Prompt
from trimtab.backbones.views.late import LateBackbone
from trimtab.errors import BackboneError

FUSED = ("llama", "mistral", "qwen2", "qwen3", "gemma3")
FIXED = {"llama": (), "mistral": (4, 8, 15), "qwen2": (7,), "qwen3": (4, 8), "gemma3": (4, 8, 15, 16)}
PLAIN = {f"{name}-plain": lambda name=name: CausalBackbone(tiny_model(name), fuse=False) for name in ARCHITECTURES}
CAUSAL = PLAIN | {f"{name}-fused": lambda name=name: CausalBackbone(tiny_model(name)) for name in FUSED}
LATE = {
    f"{name}-late-{start}": lambda name=name, start=start: LateBackbone(
        CausalBackbone(tiny_model(name)), start, FIXED[name]
    )
    for name in FUSED
    for start in (1, 2)
}
LENGTHS = (3, 11, 5, 1, 8)
STEPS = 6


@pytest.fixture(params=CAUSAL)
def causal(request):
    return CAUSAL[request.param]()


@pytest.fixture(params=CAUSAL | LATE)
def backbone(request):
    return (CAUSAL | LATE)[request.param]()


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


class Anew:
    """Oracle: nothing is kept, and rows are read whole whenever they are asked for."""

    def __init__(self, backbone, rows, state):
        self.backbone, self.rows, self.state = backbone, rows, state

    @property
    def hidden(self):
        with torch.no_grad():
            return self.backbone.forward(self.rows, self.state)

    def step(self, tokens):
        self.rows = [Row((*row.ids, token), row.prompt) for row, token in zip(self.rows, tokens.tolist(), strict=True)]

    def select(self, rows):
        self.rows = [self.rows[i] for i in rows.tolist()]

    def admit(self, rows, state):
        """Rows of other prompts: of all prompts there were, these come behind."""
        before = len(self.state.lengths)
        self.state = PrefixState.join([self.state, state])
        self.rows = [*self.rows, *(Row(row.ids, row.prompt + before) for row in rows)]


def equal(decoding, anew) -> None:
    assert_near(decoding.hidden, anew.hidden)


@pytest.mark.parametrize("lengths", [(), (6,), (6, 1, 13)], ids=["no prompt", "one prompt", "three prompts"])
def test_going_on_equals_reading_whole(backbone, lengths):
    state = state_of(backbone, lengths) if lengths else None
    rows = [Row(drawn(i, n).tolist(), i % max(1, len(lengths))) for i, n in enumerate(LENGTHS)]
    tokens = drawn(9, len(rows), STEPS)
    decoding, anew = backbone.prefill(rows, state), Anew(backbone, rows, state)
    for step in range(STEPS):
        equal(decoding, anew)
        for way in (decoding, anew):
            way.step(tokens[:, step])
    equal(decoding, anew)


def test_pasts_and_soft_vectors_in_rows(causal):
    state = state_of(causal, (3, 5), past=True)
    rows = [Row([5, -1, 7, -2], 0), Row([-2, 3], 1), Row([9], 1)]
    tokens = drawn(4, 3, 3)
    decoding, anew = causal.prefill(rows, state), Anew(causal, rows, state)
    for step in range(3):
        for way in (decoding, anew):
            way.step(tokens[:, step])
    equal(decoding, anew)


def test_rows_are_taken_several_times_put_in_order_and_left_out(backbone):
    state = state_of(backbone, (6, 2, 4))
    rows = [Row(drawn(i, n).tolist(), i % 3) for i, n in enumerate(LENGTHS)]
    decoding, anew = backbone.prefill(rows, state), Anew(backbone, rows, state)
    taken, left, tokens = torch.tensor([4, 1, 1, 3, 4]), torch.tensor([2]), drawn(5, 5, 40)
    for way in (decoding, anew):
        way.step(tokens[:, 0])
        way.select(taken)
        way.step(tokens[:, 1])
    equal(decoding, anew)
    for way in (decoding, anew):
        way.select(left)
        for step in range(2, 40):  # beyond the room made at first
            way.step(tokens[2:3, step])
    equal(decoding, anew)


def test_rows_join_at_any_step_with_prompts_that_are_there_and_others(backbone):
    """Prompts take the places of those that no row has any more, longer ones included."""
    first, second, third = (state_of(backbone, lengths) for lengths in ((6, 2), (9,), (3, 12)))
    both = PrefixState.join([second, first])
    tokens = drawn(7, 9, 40)
    decoding = backbone.prefill([Row([5, 6, 7]), Row([9])], first)
    anew = Anew(backbone, [Row([5, 6, 7]), Row([9])], first)
    waves = [
        ([Row(drawn(1, 12).tolist(), 0), Row([4, 4], 1)], both, [0, 2, 3]),
        ([Row([8, 3], 0)], third, [3, 1]),
        ([Row([8, 3], 1), Row([1], 0), Row([2], 1)], third, [4, 1, 2, 3, 0]),
        ([Row([7, 7], 0)], second, [0, 1, 2, 3, 4, 5]),
    ]
    for at, (rows, state, left) in enumerate(waves):
        for way in (decoding, anew):
            way.step(tokens[: len(way.hidden), at])
            way.admit(rows, state)
        equal(decoding, anew)
        for way in (decoding, anew):
            way.select(torch.tensor(left))
            for step in range(4, 8):
                way.step(tokens[: len(left), step])
        equal(decoding, anew)


def test_rows_that_stay_where_they_are_are_not_copied(causal):
    decoding = causal.prefill([Row([5, 6]), Row([7]), Row([8])], state_of(causal, (2,)))
    stack = decoding._stacks[0]
    kept = stack._keys[0].data_ptr()
    decoding.select(torch.tensor([0, 2]))
    decoding.step(torch.tensor([4, 4]))
    decoding.admit([Row([9])], None)
    assert stack._keys[0].data_ptr() == kept


def test_a_token_beyond_the_context(backbone):
    """Of 20 tokens: the row has 15, the fixed ones of a late prompt up to 4 of the lower layers'."""
    fixed = len(backbone._fixed) if isinstance(backbone, LateBackbone) else 0
    backbone.context = 20
    decoding = backbone.prefill([Row([5] * 15)], backbone.read_prefix([torch.zeros(4 - fixed, backbone.hidden_size)]))
    decoding.step(torch.tensor([5]))
    with pytest.raises(BackboneError) as caught:
        decoding.step(torch.tensor([5]))
    assert str(caught.value) == (
        "a row of 21 tokens is longer than the backbone's context of 20. "
        "Set template.truncate or a smaller template.max_tokens."
    )
