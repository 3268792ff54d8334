"""Positions of packed rows behind their prompts, and what a reader is asked to run, by a reader that only notes it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from trimtab.backbones import shared_prefix
from trimtab.backbones.layout import Layout, Row, pack
from trimtab.backbones.prefix import Prompt

ROWS = [Row([5, 6, 7], 1), Row([8], 0), Row([9, 10], 1)]  # packed 8 | 9 10 | 5 6 7
NONE = torch.zeros(0, 2)


class Noting:
    """Its layers add each token's position to what they are given; its keys are what they are given."""

    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, *, shifted: bool = False) -> None:
        self.shifted, self.passes, self.longest = shifted, [], 0

    def pack(self, rows: Sequence[Row], prefix_length: int = 0) -> Layout:
        return pack(rows, heads=1, prefix_length=prefix_length)

    def check_length(self, tokens: int) -> None:
        self.longest = tokens

    def embed_rows(self, layout: Layout, soft: Sequence[torch.Tensor | None]) -> torch.Tensor:
        return layout.ids_R[:, None].float().expand(-1, 2)

    def moved_by(self, lengths: Sequence[int], shifts: Sequence[int]) -> Sequence[int]:
        return shifts if self.shifted else lengths

    def run(self, x_ND, now, positions_N, *, keep, first_grad):
        self.passes.append((x_ND[:, 0].tolist(), positions_N.tolist(), first_grad))
        if now.capture is not None:
            now.capture.append((x_ND[:, None], -x_ND[:, None]))
        out = x_ND + positions_N[:, None]
        return out if keep is None else out[keep]


def prompts() -> list[Prompt]:
    past = ((torch.full((4, 1, 2), 50.0), torch.full((4, 1, 2), -50.0)),)
    return [Prompt(torch.full((2, 2), 100.0), shift=7), Prompt(torch.full((1, 2), 200.0), past, shift=30)]


def test_prompts_and_rows_in_one_pass():
    """A prompt counts from behind its past, its rows from behind both."""
    reader = Noting()
    found = shared_prefix.forward(reader, ROWS, prompts(), wanted=None, checkpointing=False)
    tokens, positions = [100, 100, 200, 8, 9, 10, 5, 6, 7], [0, 1, 4, 2, 5, 6, 5, 6, 7]
    assert reader.passes == [(tokens, positions, 3)]  # only the prompts' gradients are wanted
    assert found[:, 0].tolist() == [7 + 7, 8 + 2, 10 + 6]  # each row's last token, as given
    assert reader.longest == 8


def test_a_pass_for_prompts_and_one_for_rows():
    reader = Noting()
    state = shared_prefix.read_prefix(reader, prompts())
    assert (state.lengths, state.shifts) == ((2, 5), (7, 30))
    assert state.layers[0][0][:, 0, 0].tolist() == [100, 100, 50, 50, 50, 50, 200]
    assert state.layers[0][1][:, 0, 0].tolist() == [-100, -100, -50, -50, -50, -50, -200]
    found = shared_prefix.forward(reader, ROWS, state, wanted=torch.tensor([0, 5]), checkpointing=False)
    assert reader.passes == [
        ([100, 100, 200], [0, 1, 4], 3),
        ([8, 9, 10, 5, 6, 7], [2, 5, 6, 5, 6, 7], 0),
    ]
    assert found[:, 0].tolist() == [8 + 2, 7 + 7]


def test_rows_may_be_moved_by_what_their_prompt_says():
    reader = Noting(shifted=True)
    state = shared_prefix.read_prefix(reader, prompts())
    shared_prefix.forward(reader, ROWS, state, wanted=None, checkpointing=False)
    assert reader.passes[-1][1] == [7, 30, 31, 30, 31, 32]
    assert reader.longest == 33


@pytest.mark.parametrize("prefix", [None, [], [NONE, NONE]], ids=["None", "no prompts", "empty prompts"])
def test_rows_alone(prefix):
    reader = Noting()
    shared_prefix.forward(reader, ROWS, prefix, wanted=None, checkpointing=False)
    assert reader.passes == [([8, 9, 10, 5, 6, 7], [0, 0, 1, 0, 1, 2], 0)]


def test_soft_vectors_in_rows_want_gradients_everywhere():
    reader = Noting()
    rows = [Row([5, -1], 0)]
    shared_prefix.forward(reader, rows, [Prompt(torch.zeros(3, 2))], wanted=None, checkpointing=False)
    assert reader.passes == [([0, 0, 0, 5, -1], [0, 1, 2, 3, 4], 5)]


def test_a_prompt_without_vectors_is_read_without_a_pass():
    reader = Noting()
    past, soft = prompts()[1].past, torch.ones(1, 2)
    state = shared_prefix.read_prefix(reader, [Prompt(NONE, past, soft), NONE])
    assert reader.passes == []
    assert (state.lengths, state.soft) == ((4, 0), (soft, None))
    assert torch.equal(state.layers[0][0], past[0][0])
