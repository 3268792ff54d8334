"""How prompts and rows lie packed in one batch, and which token sees which. Knows nothing about models.

B rows, R tokens of all rows, W of them read each for itself, T tokens of the longest row of a block, K prompts, S
tokens of all prompts, P prompt length, M answer-tree nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

# Scores of one block of rows (heads x queries x keys) stay below this many numbers: on a CPU, so that they stay in its
# cache; on an accelerator, so that memory does not grow with the batch while each call still has enough to do.
BLOCK_SCORES = 2_000_000
BLOCK_SCORES_ACCELERATOR = 64_000_000


@dataclass(frozen=True)
class Row:
    """The tokens of one row, after the prompt.

    Attributes:
        ids: token ids; the first `len(ids) - len(parents)` are text, each seeing all before it. A negative id -1 - j
            stands for the prompt's soft vector j.
        prompt: index of the prompt this row is read with.
        parents: for each node of an answer tree behind the text, the index of its parent node, or -1 for the last text
            token. Parents come before children. A node sees the prompt, the text and its own ancestors only.
        answer: index of the text token that the answer is scored at; None for the last.
        read_at: indices of the text tokens that are read each for itself, in place of the answer; None for none.
    """

    ids: Sequence[int]
    prompt: int = 0
    parents: tuple[int, ...] = ()
    answer: int | None = None
    read_at: tuple[int, ...] | None = None

    @property
    def text_length(self) -> int:
        """Tokens before the answer tree."""
        return len(self.ids) - len(self.parents)


@dataclass(frozen=True)
class Block:
    """Consecutive packed rows of one prompt, attended together.

    Attributes:
        prompt: index of the prompt.
        rows: number of rows n.
        length: tokens T of the longest row.
        start, stop: packed token range, counted from the first row token.
        gather_nT: packed index (from `start`) of each padded slot, or None where all rows are T long.
        valid: padded slots that hold a token, in packed order, or None likewise.
        positions_nT: position of each padded slot, counted from the end of the prompt.
        tree_nTT: True where a query slot sees a key slot, or None where rows are plain text.
        causal: whether a token of plain text sees only what stands before it; else it sees its whole row.
    """

    prompt: int
    rows: int
    length: int
    start: int
    stop: int
    gather_nT: torch.Tensor | None
    valid: torch.Tensor | None
    positions_nT: torch.Tensor
    tree_nTT: torch.Tensor | None
    causal: bool = True
    hidden: dict[tuple[int, int | None], tuple[torch.Tensor | None, torch.Tensor | None]] = field(default_factory=dict)

    def hidden_from(self, prefix_length: int, window: int | None) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Masks of what a query must not see: over the prefix [n or 1, T, P] and over its row [n or 1, T, T].

        Args:
            prefix_length: P, length of this block's prompt in tokens.
            window: sliding window in tokens (a query sees keys less than `window` positions back), or None.
        """
        key = (prefix_length, window)
        if key not in self.hidden:
            self.hidden[key] = self._hidden_from(prefix_length, window)
        return self.hidden[key]

    def _hidden_from(self, prefix_length: int, window: int | None) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        device = self.positions_nT.device
        if self.tree_nTT is not None:
            local = ~self.tree_nTT
        elif not self.causal:
            return None, None
        else:
            ones = torch.ones(self.length, self.length, dtype=torch.bool, device=device)
            local = ones.triu_(1)[None]
        prefix = None
        if window is not None and prefix_length + int(self.positions_nT.max()) >= window:
            query_nT1 = self.positions_nT[:, :, None] + prefix_length
            keys_P = torch.arange(prefix_length, device=device)
            prefix = query_nT1 - keys_P >= window
            local = local | (query_nT1 - (self.positions_nT[:, None, :] + prefix_length) >= window)
        return prefix, local if self.length > 1 or self.tree_nTT is not None else None


@dataclass(frozen=True)
class Layout:
    """Rows packed one after another, sorted by prompt and length, cut into blocks.

    Attributes:
        ids_R: packed token ids.
        positions_R: position of each token, counted from the end of its prompt.
        prompt_R: prompt index of each token.
        starts: for each row as given, its first packed token (counted from the first row token).
        blocks: the rows, cut for attention.
        soft: whether a row holds soft vectors.
    """

    ids_R: torch.Tensor
    positions_R: torch.Tensor
    prompt_R: torch.Tensor
    starts: tuple[int, ...]
    rows: tuple[Row, ...]
    blocks: tuple[Block, ...]
    soft: bool

    @cached_property
    def answers_B(self) -> torch.Tensor:
        """Packed index of the token of each row as given that the answer is scored at, by default its last of text."""
        ends = [
            start + (row.text_length - 1 if row.answer is None else row.answer)
            for start, row in zip(self.starts, self.rows, strict=True)
        ]
        return torch.tensor(ends, device=self.ids_R.device)

    @cached_property
    def read_at_W(self) -> torch.Tensor:
        """Packed index of every text token that is read for itself, of each row as given in turn."""
        rows = zip(self.starts, self.rows, strict=True)
        places = [start + i for start, row in rows for i in row.read_at or ()]
        return torch.tensor(places, device=self.ids_R.device, dtype=torch.long)

    @cached_property
    def row_R(self) -> torch.Tensor:
        """For each packed token the index of its row as given."""
        order = sorted(range(len(self.rows)), key=self.starts.__getitem__)
        lengths = torch.tensor([len(self.rows[i].ids) for i in order])
        return torch.repeat_interleave(torch.tensor(order), lengths).to(self.ids_R.device)

    def __len__(self) -> int:
        return int(self.ids_R.shape[0])


def pack(
    rows: Sequence[Row],
    *,
    heads: int,
    device: torch.device | str = "cpu",
    prefix_length: int = 0,
    causal: bool = True,
) -> Layout:
    """Pack rows for one pass.

    Args:
        rows: at least one row; each with at least one text token.
        heads: query heads, to size blocks.
        prefix_length: longest prompt in tokens, to size blocks.
        causal: whether a token sees only what stands before it; else it sees its whole row, and answer trees are left
            out of the blocks: they are a decoder's to read.
    """
    order = sorted(range(len(rows)), key=lambda i: (rows[i].prompt, len(rows[i].ids)))
    starts = [0] * len(rows)
    ids: list[int] = []
    positions: list[np.ndarray] = []
    prompts: list[np.ndarray] = []
    at = 0
    for i in order:
        row = rows[i]
        starts[i] = at
        at += len(row.ids)
        ids.extend(row.ids)
        positions.append(_positions(row))
        prompts.append(np.full(len(row.ids), row.prompt))
    blocks: list[Block] = []
    most = BLOCK_SCORES if torch.device(device).type == "cpu" else BLOCK_SCORES_ACCELERATOR
    for members in _cut(order, rows, heads, prefix_length, most):
        blocks.append(_block([rows[i] for i in members], starts[members[0]], device, causal))
    return Layout(
        torch.tensor(ids, device=device),
        torch.from_numpy(np.concatenate(positions)).to(device),
        torch.from_numpy(np.concatenate(prompts)).to(device),
        tuple(starts),
        tuple(rows),
        tuple(blocks),
        min(ids) < 0,
    )


def _cut(order: list[int], rows: Sequence[Row], heads: int, prefix_length: int, most: int) -> list[list[int]]:
    """Cut rows (sorted by prompt, then length) into runs of one prompt of at most `most` scores."""
    out: list[list[int]] = []
    for i in order:
        longest = len(rows[i].ids)
        scores = heads * longest * (longest + prefix_length)
        if out and rows[out[-1][0]].prompt == rows[i].prompt and (len(out[-1]) + 1) * scores <= most:
            out[-1].append(i)
        else:
            out.append([i])
    return out


def _positions(row: Row) -> np.ndarray:
    if not row.parents:
        return np.arange(len(row.ids))
    text = row.text_length
    depths: list[int] = []
    for parent in row.parents:
        depths.append(text if parent < 0 else depths[parent] + 1)
    return np.concatenate([np.arange(text), np.array(depths, dtype=np.int64)])


def _block(rows: list[Row], start: int, device: torch.device | str, causal: bool) -> Block:
    taken = np.array([len(row.ids) for row in rows])
    lengths = taken if causal else np.array([row.text_length for row in rows])
    longest = int(lengths.max())
    firsts = np.concatenate([[0], np.cumsum(taken)[:-1]])
    slots = np.arange(longest)
    gather = valid = None
    positions = np.stack([np.resize(_positions(row), longest) for row in rows])
    inside = slots[None] < lengths[:, None]
    if not inside.all() or lengths.sum() < taken.sum():
        gather = torch.from_numpy((firsts[:, None] + np.minimum(slots[None], lengths[:, None] - 1)).ravel()).to(device)
        valid = torch.from_numpy(np.flatnonzero(inside.ravel())).to(device)
        positions = np.where(inside, positions, slots[None])
    tree = None
    if causal and any(row.parents for row in rows):
        tree = torch.from_numpy(np.stack([_sees(row, longest) for row in rows])).to(device)
    elif not causal and gather is not None:
        tree = torch.from_numpy(np.broadcast_to(inside[:, None], (len(rows), longest, longest)).copy()).to(device)
    return Block(
        rows[0].prompt,
        len(rows),
        longest,
        start,
        start + int(taken.sum()),
        gather,
        valid,
        torch.from_numpy(positions).to(device),
        tree,
        causal,
    )


def _sees(row: Row, size: int) -> np.ndarray:
    """[size, size] True where a token of the row sees another: causal text, then tree nodes their ancestors."""
    text = row.text_length
    sees = np.tri(size, dtype=bool)
    for node, parent in enumerate(row.parents):
        at = text + node
        sees[at, text:] = False
        if parent >= 0:
            sees[at, text:] = sees[text + parent, text:]
        sees[at, at] = True
    return sees
