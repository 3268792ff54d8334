"""How rows lie packed, and which token sees which, against a definition token by token."""

from __future__ import annotations

import pytest
import torch

from trimtab.backbones import layout
from trimtab.backbones.layout import Layout, Row, pack

ROWS = [
    Row([5, 6, 7, 8], 1),
    Row([9], 0, answer=0),
    Row([3, -1, 15, 92, 65, 7, 8, 9, 10], 0, parents=(-1, 0, 0, 2)),
    Row([4, 2, 11, 12], 1, parents=(-1, -1)),
    Row([1, 2, 3, 4, 5, 6], 0, answer=2, read_at=(0, 4)),
]
WINDOWS = [None, 1, 3, 9]


def sees(row: Row, query: int, key: int, *, causal: bool) -> bool:
    """Whether a token of a row sees another: text what stands before it, or all of it; nodes text and ancestors."""
    text = row.text_length
    if not causal:
        return query < text and key < text
    if query < text or key < text:
        return key <= query
    node: int = query - text
    while node >= 0:
        if node == key - text:
            return True
        node = row.parents[node]
    return False


def position(row: Row, token: int) -> int:
    if token < row.text_length:
        return token
    parent = row.parents[token - row.text_length]
    return row.text_length if parent < 0 else position(row, row.text_length + parent) + 1


def test_rows_are_packed_by_prompt_and_length_but_found_as_given():
    packed = pack([Row([0] * n, prompt=i % 2) for i, n in enumerate((4, 9, 9, 1, 6))], heads=6, prefix_length=5)
    # prompt 0 has rows of 4, 9, 6 tokens, prompt 1 of 9 and 1: packed 4, 6, 9 | 1, 9
    assert packed.starts == (0, 20, 10, 19, 4)
    assert packed.answers_B.tolist() == [3, 28, 18, 19, 9]
    assert packed.prompt_R.tolist() == [0] * 19 + [1] * 10
    assert packed.positions_R.tolist() == [*range(4), *range(6), *range(9), 0, *range(9)]


def test_answer_tree_positions_count_from_the_branch():
    packed = pack([Row([1, 2, 3, 7, 8, 9], parents=(-1, 0, -1))], heads=1)
    assert packed.positions_R.tolist() == [0, 1, 2, 3, 4, 3]
    assert packed.answers_B.tolist() == [2]


@pytest.mark.parametrize("causal", [True, False])
def test_every_token_is_where_its_row_says(causal):
    packed = pack(ROWS, heads=2, causal=causal)
    assert len(packed) == sum(len(row.ids) for row in ROWS)
    assert packed.soft
    for i, (start, row) in enumerate(zip(packed.starts, ROWS, strict=True)):
        span = slice(start, start + len(row.ids))
        assert packed.ids_R[span].tolist() == list(row.ids)
        assert packed.positions_R[span].tolist() == [position(row, token) for token in range(len(row.ids))]
        assert set(packed.prompt_R[span].tolist()) == {row.prompt}
        assert set(packed.row_R[span].tolist()) == {i}
        assert packed.answers_B[i] == start + (row.text_length - 1 if row.answer is None else row.answer)
    assert packed.read_at_W.tolist() == [packed.starts[4], packed.starts[4] + 4]
    assert not pack(ROWS[:2], heads=2).soft


def rows_of(packed: Layout) -> list[tuple[int, int, int]]:
    """For each block and place in it (block, place, index of the row)."""
    order = sorted(range(len(packed.rows)), key=packed.starts.__getitem__)
    places = [(b, n) for b, block in enumerate(packed.blocks) for n in range(block.rows)]
    return [(b, n, i) for (b, n), i in zip(places, order, strict=True)]


@pytest.mark.parametrize("scores", [1, 80, 2_000_000], ids="blocks of {} scores".format)
@pytest.mark.parametrize("causal", [True, False])
def test_blocks_hold_the_rows_of_one_prompt_each_token_once(causal, scores, monkeypatch):
    monkeypatch.setattr(layout, "BLOCK_SCORES", scores)
    packed = pack(ROWS, heads=2, prefix_length=3, causal=causal)
    assert (packed.blocks[0].start, packed.blocks[-1].stop) == (0, len(packed))
    assert [block.start for block in packed.blocks[1:]] == [block.stop for block in packed.blocks[:-1]]
    for b, n, i in rows_of(packed):
        block, row = packed.blocks[b], packed.rows[i]
        assert block.prompt == row.prompt
        tokens = len(row.ids) if causal else row.text_length  # trees are a decoder's to read
        slots = torch.arange(block.rows * block.length) if block.gather_nT is None else block.gather_nT
        own = slots.view(block.rows, block.length)[n, :tokens] + block.start
        assert own.tolist() == list(range(packed.starts[i], packed.starts[i] + tokens))
        if block.valid is not None:
            inside = [slot - n * block.length for slot in block.valid.tolist() if slot // block.length == n]
            assert inside == list(range(tokens))
        assert block.positions_nT[n, :tokens].tolist() == [position(row, token) for token in range(tokens)]
    if scores == 1:
        assert [block.rows for block in packed.blocks] == [1] * len(ROWS)
    if scores == 2_000_000:
        assert [block.rows for block in packed.blocks] == [3, 2]


@pytest.mark.parametrize("prefix", [0, 4])
@pytest.mark.parametrize("window", WINDOWS, ids="window {}".format)
def test_what_a_query_must_not_see(window, prefix):
    packed = pack(ROWS, heads=2, prefix_length=prefix)
    for b, n, i in rows_of(packed):
        block, row = packed.blocks[b], packed.rows[i]
        hidden_prefix, hidden_row = block.hidden_from(prefix, window)
        for query in range(len(row.ids)):
            at = prefix + position(row, query)
            for key in range(prefix):
                far = window is not None and at - key >= window
                assert (False if hidden_prefix is None else bool(hidden_prefix[n, query, key])) == far
            for key in range(len(row.ids)):
                far = window is not None and at - (prefix + position(row, key)) >= window
                masks = hidden_row if hidden_row is None or len(hidden_row) == 1 else hidden_row[n : n + 1]
                found = False if masks is None else bool(masks[0, query, key])
                assert found == (not sees(row, query, key, causal=True) or far), (row, query, key)


def test_whole_rows_see_themselves_and_nothing_that_pads():
    packed = pack(ROWS, heads=2, causal=False)
    for b, n, i in rows_of(packed):
        block, row = packed.blocks[b], packed.rows[i]
        hidden_prefix, hidden_row = block.hidden_from(4, None)
        assert hidden_prefix is None
        for query in range(row.text_length):
            hidden = [False] * block.length if hidden_row is None else hidden_row[n, query].tolist()
            assert hidden == [key >= row.text_length for key in range(block.length)]


def test_masks_are_made_once():
    block = pack(ROWS, heads=2).blocks[0]
    assert block.hidden_from(3, 5) is block.hidden_from(3, 5)
    assert block.hidden_from(3, 5) is not block.hidden_from(3, None)
