"""Packed rows as padded ones, each with its prompt in front, and back. Knows nothing about models.

An answer tree becomes as many rows as it has leaves, each with the text and the nodes from the root to that leaf.

R tokens of all rows, S tokens of all prompts, n padded rows, L tokens of the longest, D hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from trimtab.backbones.layout import Layout, Row

# A batch holds about this many tokens, padding included.
_TOKENS = 4096


@dataclass(frozen=True)
class Padded:
    """Rows that go through a model together.

    Attributes:
        taken_nL: of each place, which of the prompts' and rows' tokens [S + R] stands there, or S + R for padding.
        inside_nL: True where a token stands.
        packed: of tokens that are read here, their packed indices [R], and where they stand, counted over [n L].
    """

    taken_nL: torch.Tensor
    inside_nL: torch.Tensor
    packed: tuple[list[int], list[int]]


def padded(layout: Layout, lengths: Sequence[int]) -> Iterator[Padded]:
    """Rows behind their prompts, those of like length together; each packed token is read once.

    Args:
        layout: the rows.
        lengths: tokens of each prompt, which stand one after another before the rows.
    """
    starts = [sum(lengths[:k]) for k in range(len(lengths))]
    S, R = sum(lengths), len(layout)
    paths: list[tuple[list[int], list[int]]] = []  # of each: all tokens, and of its own those read here, at which place
    for at, row in zip(layout.starts, layout.rows, strict=True):
        before = list(range(starts[row.prompt], starts[row.prompt] + lengths[row.prompt])) if lengths else []
        seen: set[int] = set()
        for own in _paths(row):
            fresh = [i for i in range(len(own)) if own[i] not in seen]
            seen |= set(own)
            paths.append(([*before, *(S + at + i for i in own)], [len(before) + i for i in fresh]))
    batch: list[int] = []
    longest = 0
    order = sorted(range(len(paths)), key=lambda i: len(paths[i][0]))
    for i in [*order, None]:
        length = 0 if i is None else len(paths[i][0])
        if batch and (i is None or (len(batch) + 1) * length > _TOKENS):
            yield _padded([paths[j] for j in batch], longest, S, R)
            batch = []
        if i is not None:
            batch.append(i)
            longest = length


def _paths(row: Row) -> list[list[int]]:
    """The row's tokens from the first to each leaf of its answer tree, as indices into them."""
    text = list(range(row.text_length))
    if not row.parents:
        return [text]
    chains: list[list[int]] = []
    for node, parent in enumerate(row.parents):
        chains.append([*(chains[parent] if parent >= 0 else ()), row.text_length + node])
    return [[*text, *chain] for node, chain in enumerate(chains) if node not in row.parents]


def _padded(paths: Sequence[tuple[list[int], list[int]]], longest: int, S: int, R: int) -> Padded:
    taken_nL = torch.full((len(paths), longest), S + R)
    packed: tuple[list[int], list[int]] = ([], [])
    for n, (tokens, fresh) in enumerate(paths):
        taken_nL[n, : len(tokens)] = torch.tensor(tokens)
        packed[0].extend(tokens[place] - S for place in fresh)
        packed[1].extend(n * longest + place for place in fresh)
    return Padded(taken_nL, taken_nL < S + R, packed)


def gathered(parts: Sequence[tuple[Padded, torch.Tensor]], wanted_M: torch.Tensor) -> torch.Tensor:
    """Of what a model made of padded rows [n, L, D], that of some packed tokens [M, D]."""
    flat = torch.cat([made_nLD.flatten(0, 1) for _, made_nLD in parts])
    place_R = torch.zeros(sum(len(rows.packed[0]) for rows, _ in parts), dtype=torch.long)
    before = 0
    for rows, made_nLD in parts:
        tokens, places = rows.packed
        place_R[torch.tensor(tokens)] = torch.tensor(places) + before
        before += made_nLD.shape[0] * made_nLD.shape[1]
    return flat.index_select(0, place_R.to(flat.device)[wanted_M])
