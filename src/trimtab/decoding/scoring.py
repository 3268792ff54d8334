"""Scores of rows: of label words behind them, exact for words of several tokens, or what a head reads of them.

Knows nothing about runs or training. B rows, C labels, W words, M tree nodes, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.utils.checkpoint import checkpoint

from trimtab.backbones.backbone import Backbone
from trimtab.backbones.layout import Layout, Row
from trimtab.backbones.prefix import PrefixState
from trimtab.prompts.verbalizer import Verbalizer

# One pass takes about this many packed tokens, answer-tree nodes included.
PASS_TOKENS = 4096
# Full-vocabulary scores are made in pieces of at most this many numbers.
PIECE = 1 << 25


class Reader(Protocol):
    """What is read of rows: scores, from the hidden states at the places where they are answered."""

    @property
    def nodes(self) -> tuple[int, ...]:
        """Token ids of the answer tree that stands behind a row (see `layout.Row`); none where a head scores."""
        ...

    @property
    def parents(self) -> tuple[int, ...]:
        """Their parents (see `layout.Row`)."""
        ...

    @property
    def group(self) -> Hashable:
        """Rows of readers with the same one are scored together, by the first's `read`."""
        ...

    def read(
        self, backbone: Backbone, hidden: torch.Tensor, readers: Sequence[Reader], counts: Sequence[int]
    ) -> Sequence[torch.Tensor]:
        """Scores of each row.

        Args:
            backbone: what the hidden states are of.
            hidden: final hidden states of all rows in turn.
            readers: the rows' own readers, of one group.
            counts: hidden states of each row.
        """
        ...

    def finished(self, scores: torch.Tensor) -> torch.Tensor:
        """A row's scores as they are given on, normalised where they are those of labels."""
        ...

    def averaged(self, found: torch.Tensor) -> torch.Tensor:
        """What of several prompts' finished scores the mean is taken of."""
        ...


@dataclass(frozen=True)
class Query:
    """One row to score.

    Attributes:
        ids: its token ids behind the prompt.
        prompt: index of the prompt it goes with.
        reader: what is read of it.
        calibration: log-probabilities [C] taken off the labels' before these are normalised; or None.
        answer: index of the token that the answer is scored at; None for the last.
        read_at: indices of the tokens that are scored each for itself; None where the answer's place is.
    """

    ids: tuple[int, ...]
    prompt: int
    reader: Reader
    calibration: torch.Tensor | None = None
    answer: int | None = None
    read_at: tuple[int, ...] | None = None


def read_scores(
    backbone: Backbone, queries: Sequence[Query], prefix: PrefixState | None
) -> Iterator[tuple[int, torch.Tensor]]:
    """Score every row; rows of different prompts and readers mix in one pass.

    Args:
        backbone: what reads them.
        queries: the rows.
        prefix: the prompts, read before; None where rows stand alone.

    Yields:
        (index into queries, its finished scores in float32: log-probabilities [C] of labels, the number [1] that a head
        says, or of tokens read each for itself [number of tokens, C]), shortest rows first.
    """
    longest = max(prefix.lengths, default=0) if prefix else 0
    with torch.no_grad():
        for members in passes([len(query.ids) + len(query.reader.nodes) for query in queries]):
            batch = [queries[i] for i in members]
            rows = [Row((*q.ids, *q.reader.nodes), q.prompt, q.reader.parents, q.answer, q.read_at) for q in batch]
            layout = backbone.pack(rows, longest)
            wanted, spans = _wanted(layout, batch)
            hidden = backbone.forward(layout, prefix, wanted=wanted)
            groups: dict[Hashable, list[int]] = {}
            for at, query in enumerate(batch):
                groups.setdefault(query.reader.group, []).append(at)
            for group in groups.values():
                places = [j for at in group for j in range(*spans[at])]
                index = torch.tensor(places, device=hidden.device, dtype=torch.long)
                readers = [batch[at].reader for at in group]
                counts = [spans[at][1] - spans[at][0] for at in group]
                scores = readers[0].read(backbone, hidden.index_select(0, index), readers, counts)
                for at, reader, row in zip(group, readers, scores, strict=True):
                    result, against = reader.finished(row), batch[at].calibration
                    yield members[at], result if against is None else torch.log_softmax(result - against, -1)


def passes(sizes: Sequence[int], order: Sequence[int] | None = None, *, padded: bool = False) -> Iterator[list[int]]:
    """Indices of rows that go through the backbone together.

    Args:
        sizes: lengths of the rows in tokens.
        order: indices of those to go through, in order; by default all, the shortest first.
        padded: whether each row takes the room of the longest of its pass.
    """
    members: list[int] = []
    tokens = longest = 0
    for i in sorted(range(len(sizes)), key=lambda i: sizes[i]) if order is None else order:
        longest = max(longest, sizes[i])
        tokens = (len(members) + 1) * longest if padded else tokens + sizes[i]
        if members and tokens > PASS_TOKENS:
            yield members
            members, tokens, longest = [], sizes[i], sizes[i]
        members.append(i)
    if members:
        yield members


def _wanted(layout: Layout, batch: Sequence[Query]) -> tuple[torch.Tensor, list[tuple[int, int]]]:
    """Packed tokens whose scores are read: where each row is answered, then its tree nodes; and each row's span.

    Of a row whose tokens are read each for itself, these tokens.
    """
    wanted: list[int] = []
    spans = []
    for start, first, query in zip(layout.starts, layout.answers_B.tolist(), batch, strict=True):
        begin = len(wanted)
        if query.read_at is None:
            wanted.extend(range(first, first + 1 + len(query.reader.nodes)))
        else:
            wanted.extend(start + i for i in query.read_at)
        spans.append((begin, len(wanted)))
    return torch.tensor(wanted, device=layout.ids_R.device, dtype=torch.long), spans


def word_scores(backbone: Backbone, hidden: torch.Tensor, verbalizer: Verbalizer) -> torch.Tensor:
    """Scores of all words: hidden [B * (1 + M), D], root and nodes of each row in turn -> [B, W].

    Words of one token are scored by their logits: what they lack of the log-likelihood is the same for all.
    """
    words = verbalizer.words
    if verbalizer.single_token:
        return backbone.logits(hidden, torch.tensor([word.ids[0] for word in words], device=hidden.device))
    size = 1 + len(verbalizer.node_ids)
    if verbalizer.branches:
        return _branch_scores(backbone, hidden.view(-1, size, hidden.shape[-1]), verbalizer)
    edges = sorted({(node + 1, token) for word in words for node, token in zip(word.nodes, word.ids, strict=True)})
    place = {edge: i for i, edge in enumerate(edges)}
    nodes = torch.tensor([node for node, _ in edges], device=hidden.device)
    tokens = torch.tensor([token for _, token in edges], device=hidden.device)
    step = max(1, PIECE // backbone.vocabulary_size // size)
    out = []
    for piece in torch.split(hidden.view(-1, size, hidden.shape[-1]), step):
        logits = backbone.logits(piece.reshape(-1, hidden.shape[-1])).view(len(piece), size, -1)
        edge_scores = logits[:, nodes, tokens] - torch.logsumexp(logits, -1)[:, nodes]
        columns = []
        for word in words:
            path = [place[(node + 1, token)] for node, token in zip(word.nodes, word.ids, strict=True)]
            total = edge_scores[:, path].sum(-1)
            columns.append(total / len(path) if verbalizer.length_normalise else total)
        out.append(torch.stack(columns, -1))
    return torch.cat(out)


def _branch_scores(backbone: Backbone, hidden_BND: torch.Tensor, verbalizer: Verbalizer) -> torch.Tensor:
    """Scores of all words [B, W] whose tokens are scored among those that words go on with at their node."""
    scores = hidden_BND.new_zeros(len(hidden_BND), len(verbalizer.words), dtype=torch.float32)
    for node, choices in verbalizer.choices.items():
        if len(choices) == 1:  # certain
            continue
        logits = backbone.logits(hidden_BND[:, node + 1], torch.tensor(choices, device=hidden_BND.device))
        found_BC = torch.log_softmax(logits, -1)
        through = [
            (w, choices.index(token))
            for w, word in enumerate(verbalizer.words)
            for at, token in zip(word.nodes, word.ids, strict=True)
            if at == node
        ]
        words, tokens = (torch.tensor(column, device=hidden_BND.device) for column in zip(*through, strict=True))
        scores = scores.index_add(1, words, found_BC[:, tokens])
    if not verbalizer.length_normalise:
        return scores
    return scores / torch.tensor([len(word.ids) for word in verbalizer.words], device=scores.device)


def own_scores(backbone: Backbone, hidden: torch.Tensor, trees: Sequence[Verbalizer]) -> list[torch.Tensor]:
    """Scores of rows' own options: hidden [sum of 1 + M, D], root and nodes of each row in turn -> [C] a row.

    Gradients flow. Scores over the vocabulary exist for a piece of the hidden states at a time, and are made again for
    the backward pass.
    """

    def likelihoods(hidden_MD: torch.Tensor, place_E: torch.Tensor, token_E: torch.Tensor) -> torch.Tensor:
        logits_MV = backbone.logits(hidden_MD)
        return logits_MV[place_E, token_E] - torch.logsumexp(logits_MV, -1)[place_E]

    places: list[int] = []  # of each token of each word: the hidden state that it is scored at
    tokens: list[int] = []
    at = 0
    for tree in trees:
        for word in tree.words:
            places += [at + 1 + node for node in word.nodes]
            tokens += word.ids
        at += 1 + len(tree.node_ids)
    place_E = torch.tensor(places, device=hidden.device)
    token_E = torch.tensor(tokens, device=hidden.device)
    step = max(1, PIECE // backbone.vocabulary_size)
    scores_E = torch.zeros(len(places), device=hidden.device)
    for start in range(0, len(hidden), step):
        piece = hidden[start : start + step]
        inside_E = ((place_E >= start) & (place_E < start + step)).nonzero()[:, 0]
        inside = place_E[inside_E] - start, token_E[inside_E]
        found = checkpoint(likelihoods, piece, *inside, use_reentrant=False)
        scores_E = scores_E.index_add(0, inside_E, found)
    out = []
    at = 0
    for tree in trees:
        options = []
        for word in tree.words:
            total = scores_E[at : at + len(word.ids)].sum()
            options.append(total / len(word.ids) if tree.length_normalise else total)
            at += len(word.ids)
        out.append(torch.stack(options))
    return out


def label_scores(scores_BW: torch.Tensor, verbalizer: Verbalizer) -> torch.Tensor:
    """Log-sum-exp over the words of each label: [B, W] -> [B, C]."""
    if len(verbalizer.words) == len(verbalizer.labels):
        return scores_BW
    columns = []
    for label in range(len(verbalizer.labels)):
        own = [i for i, word in enumerate(verbalizer.words) if word.label == label]
        columns.append(torch.logsumexp(scores_BW[:, own], -1))
    return torch.stack(columns, -1)
