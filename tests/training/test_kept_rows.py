"""Rows read once: what is kept, what is read with what, and that it is what the backbone makes of each row alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from closeness import assert_near
from encoders import tiny_encoder
from models import tiny_model
from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.encoder import EncoderBackbone
from trimtab.backbones.hidden_state_cache import Budget
from trimtab.backbones.layout import Row
from trimtab.backbones.prefix import Prompt
from trimtab.decoding import scoring
from trimtab.training import kept_rows
from trimtab.training.kept_rows import States

ROWS = [Row([5, 6, 7, 8]), Row([9]), Row([3, 14, 15, 92, 65]), Row([9]), Row([4, 2])]
TAGGED = [Row([5, 6, 7, 8], read_at=(1, 3)), Row([9], read_at=(0,)), Row([3, 14, 15, 92, 65], read_at=(0, 1, 4))]
STATE = 32 * 4  # bytes of a hidden state


@pytest.fixture
def backbone() -> CausalBackbone:
    return CausalBackbone(tiny_model("gpt2"))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[list[list[int]]]:
    """Token ids of the rows of each pass made."""
    made: list[list[list[int]]] = []
    states = kept_rows.read_states

    def noting(backbone: CausalBackbone, rows: Sequence[Row], prefix: Any) -> torch.Tensor:
        made.append([list(row.ids) for row in rows])
        return states(backbone, rows, prefix)

    monkeypatch.setattr(kept_rows, "read_states", noting)
    return made


def keeping(backbone: CausalBackbone, rows: Sequence[Row], size: int, order: Sequence[int] | None = None) -> States:
    prompt = Prompt(backbone.embed_with([] if backbone.bidirectional else [1, 2], None))
    return kept_rows.kept_rows(backbone, rows, backbone.read_prefix([prompt]), order, Budget(size))


def test_states_are_those_of_each_row_alone(backbone: CausalBackbone) -> None:
    model = tiny_model("gpt2")
    for rows, size in ((ROWS, 10 * STATE), (ROWS, 2 * STATE), (TAGGED, 10 * STATE), (TAGGED, 3 * STATE), (ROWS, 0)):
        kept = keeping(backbone, rows, size)
        for members in ([2, 0], [1, 2, 2], [0, 1, 2]):
            for i, found in zip(members, kept(members), strict=True):
                hidden = model.base_model(torch.tensor([[1, 2, *rows[i].ids]])).last_hidden_state[0, 2:]
                expected = hidden[-1:] if rows[i].read_at is None else hidden[list(rows[i].read_at or ())]
                assert_near(found, expected)
                assert not found.requires_grad


def test_a_bare_encoder_gives_the_mean_or_the_tokens() -> None:
    backbone, model = EncoderBackbone(tiny_encoder("bare")), tiny_encoder("bare")
    for rows in (ROWS, TAGGED):
        for row, found in zip(rows, keeping(backbone, rows, 100 * STATE)(range(len(rows))), strict=True):
            hidden = model(torch.tensor([row.ids])).last_hidden_state[0]
            expected = hidden.mean(0, keepdim=True) if row.read_at is None else hidden[list(row.read_at)]
            assert_near(found, expected)


def test_a_row_is_read_once_with_those_that_come_next(backbone: CausalBackbone, read: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(scoring, "PASS_TOKENS", 6)
    kept = keeping(backbone, ROWS, 100 * STATE, order=[3, 0, 4, 2])
    kept([3])
    assert read == [[[9], [5, 6, 7, 8]]]
    kept([0, 3, 3])
    kept([4, 0])
    kept([2])
    assert read[1:] == [[[4, 2]], [[3, 14, 15, 92, 65]]]
    kept([1])  # which nobody said would be asked for
    kept([1])
    assert read[3:] == [[[9]], [[9]]]


def test_what_is_read_with_what_does_not_follow_from_what_was_asked_before(
    backbone: CausalBackbone, read: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(scoring, "PASS_TOKENS", 6)
    first, resumed = (keeping(backbone, ROWS, 3 * STATE, order=[3, 0, 4, 2]) for _ in range(2))
    whole = [first(members) for members in ([3, 0], [4, 2], [2, 0, 2])][-1]
    of_first = list(read)
    read.clear()
    again = resumed([2, 0, 2])
    assert all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))
    assert of_first == [[[9], [5, 6, 7, 8]], [[4, 2]], [[3, 14, 15, 92, 65]], [[3, 14, 15, 92, 65]]]
    assert read == [[[9], [5, 6, 7, 8]], [[3, 14, 15, 92, 65]]]


def test_memory_is_counted_in_states_and_shared(backbone: CausalBackbone, read: Any) -> None:
    budget = Budget(6 * STATE)
    state = backbone.read_prefix([Prompt(backbone.embed_with([1], None))])
    tags = kept_rows.kept_rows(backbone, TAGGED, state, [0, 2, 1], budget)  # 2 and 3 states, then 1
    assert budget.left == 0
    plain = kept_rows.kept_rows(backbone, ROWS, state, None, budget)
    for _ in range(2):
        tags([0, 1, 2])
        plain([4])
    assert [sorted(map(len, rows)) for rows in read] == [[1, 4, 5], [2], [2]]


def test_a_budget_is_taken_to_the_last_byte() -> None:
    budget = Budget(10)
    assert [budget.take(size) for size in (6, 5, 4, 0, 1)] == [True, False, True, True, False]
