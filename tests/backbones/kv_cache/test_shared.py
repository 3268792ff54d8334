"""Rows that read texts of which each stands once, against each row by itself."""

from __future__ import annotations

import pytest
import torch

from trimtab.backbones.attention.scoring import Scoring
from trimtab.backbones.kv_cache.shared import SharedKV

LENGTHS = (4, 7, 0, 5)
J, G, D = 2, 3, 8


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def texts() -> tuple[tuple[torch.Tensor, torch.Tensor], ...]:
    """Two layers; large numbers where there is no token, so that it shows where they are looked at."""
    layers = tuple((normal(4, J, 7, D, seed=i), normal(4, J, 7, D, seed=i + 9)) for i in range(2))
    for layer in layers:
        for x in layer:
            for text, length in zip(x, LENGTHS, strict=True):
                text[:, length:] = 1e4
    return layers


def attended(shared: SharedKV, layers, rows: int) -> torch.Tensor:
    """Of the second layer; each row has one token of its own, of score 0 and value 0."""
    own, values = torch.zeros(rows, J, G, 1), torch.zeros(rows, J, 1, D)
    return shared.beside(normal(rows, J, G, D, seed=5), layers[1], shared.outside_NP, own, values, Scoring(1.0))


def expected(text_of_row: list[int]) -> torch.Tensor:
    keys, values = texts()[1]
    out = []
    for q, k in zip(normal(len(text_of_row), J, G, D, seed=5), text_of_row, strict=True):
        scores = torch.cat([q @ keys[k, :, : LENGTHS[k]].mT, torch.zeros(J, G, 1)], -1)
        out.append(torch.softmax(scores, -1)[..., :-1] @ values[k, :, : LENGTHS[k]])
    return torch.stack(out)


@pytest.mark.parametrize(
    "text_of_row", [[0, 1, 2, 3], [3, 1, 1, 0, 2, 1], [0, 0, 1, 1, 2, 2, 3, 3], [2, 2, 1, 1, 3, 0]]
)
def test_rows_read_their_own_text(text_of_row):
    shared = SharedKV(LENGTHS, text_of_row, torch.device("cpu"))
    torch.testing.assert_close(attended(shared, texts(), len(text_of_row)), expected(text_of_row))


def test_texts_are_moved_only_once_half_of_them_are_not_read_any_more():
    shared, layers = SharedKV(LENGTHS, [0, 1, 2, 3], torch.device("cpu")), texts()
    for rows, text_of_row in (([3, 1, 1, 0, 2], [3, 1, 1, 0, 2]), ([0, 3, 4, 0], [3, 0, 2, 3])):
        assert shared.select(torch.tensor(rows), layers) is layers
        torch.testing.assert_close(attended(shared, layers, len(rows)), expected(text_of_row))
    few = shared.select(torch.tensor([1, 0, 1]), layers)
    assert [x.shape for layer in few for x in layer] == [(2, J, 5, D)] * 4
    torch.testing.assert_close(attended(shared, few, 3), expected([0, 3, 0]))
    assert shared.select(torch.tensor([1, 0]), few) is few
    torch.testing.assert_close(attended(shared, few, 2), expected([3, 0]))


def test_only_a_text_without_a_token_is_left():
    shared = SharedKV(LENGTHS, [0, 2, 1, 3], torch.device("cpu"))
    empty = shared.select(torch.tensor([1, 1]), texts())
    torch.testing.assert_close(attended(shared, empty, 2), torch.zeros(2, J, G, D))
