"""Scores of label words behind rows, exact for words of several tokens. Knows nothing about runs or training.

B rows, C labels, W words, M tree nodes, D hidden, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from trimtab.backbones.causal import CausalBackbone
from trimtab.backbones.layout import Layout, Row
from trimtab.backbones.prefix import PrefixState
from trimtab.prompts.verbalizer import Verbalizer

# One pass takes about this many packed tokens, answer-tree nodes included.
PASS_TOKENS = 4096
# Full-vocabulary scores are made in pieces of at most this many numbers.
PIECE = 1 << 25


Head = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Query:
    """One row to score.

    Attributes:
        ids: its token ids behind the prompt.
        prompt: index of the prompt it goes with.
        verbalizer: the labels asked for.
        head: weight [C, D] and bias [C] that score the labels, in place of their words.
        calibration: log-probabilities [C] taken off the labels' before these are normalised; or None.
        answer: index of the token that the answer is scored at; None for the last.
        own: whether the verbalizer is this row's own.
        number: whether the head's single output is a number and not the score of a label.
        read_at: indices of the tokens that the head scores each for itself; None where it scores the answer.
    """

    ids: tuple[int, ...]
    prompt: int
    verbalizer: Verbalizer
    head: Head | None = None
    calibration: torch.Tensor | None = None
    answer: int | None = None
    own: bool = False
    number: bool = False
    read_at: tuple[int, ...] | None = None

    @property
    def nodes(self) -> tuple[int, ...]:
        """Token ids of the answer tree behind the row; none where a head scores."""
        return () if self.head is not None else self.verbalizer.node_ids

    @property
    def parents(self) -> tuple[int, ...]:
        """Their parents (see layout.Row)."""
        return () if self.head is not None else self.verbalizer.parents


def label_log_probabilities(
    backbone: CausalBackbone, queries: Sequence[Query], prefix: PrefixState | None
) -> Iterator[tuple[int, torch.Tensor]]:
    """Score every label for every row; rows of different prompts and label sets mix in one pass.

    A word's score is the sum of its tokens' log-likelihoods (divided by their number with `length_normalise`), over the
    vocabulary or, with `branches`, over the tokens that words go on with there; a
    label's is the log-sum-exp of its words'; probabilities are a softmax over labels.

    Args:
        queries: the rows.
        prefix: the prompts, read before; None where rows stand alone.

    Yields:
        (index into queries, log-probabilities [C] in float32; of numbers [1], what the head says; of tokens read each
        for itself [number of tokens, C]), shortest rows first.
    """
    longest = max(prefix.lengths, default=0) if prefix else 0
    with torch.no_grad():
        for members in passes([len(query.ids) + len(query.nodes) for query in queries]):
            batch = [queries[i] for i in members]
            rows = [Row((*q.ids, *q.nodes), q.prompt, q.parents, q.answer, q.read_at) for q in batch]
            layout = backbone.pack(rows, longest)
            wanted, spans = _wanted(layout, batch)
            hidden = backbone.forward(layout, prefix, wanted=wanted)
            groups: dict[tuple[int, int], list[int]] = {}
            for at, query in enumerate(batch):
                groups.setdefault((0 if query.own else id(query.verbalizer), id(query.head)), []).append(at)
            for group in groups.values():
                first = batch[group[0]]
                places = [j for at in group for j in range(*spans[at])]
                index = torch.tensor(places, device=hidden.device, dtype=torch.long)
                found = hidden.index_select(0, index)
                scores: Sequence[torch.Tensor] | torch.Tensor
                if first.own:
                    scores = own_scores(backbone, found, [batch[at].verbalizer for at in group])
                elif first.read_at is not None:
                    sizes = [len(batch[at].read_at or ()) for at in group]
                    scores = torch.split(scores_of(backbone, found, first.verbalizer, first.head), sizes)
                else:
                    scores = scores_of(backbone, found, first.verbalizer, first.head)
                for at, row in zip(group, scores, strict=True):
                    result, against = row if batch[at].number else torch.log_softmax(row, -1), batch[at].calibration
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
            wanted.extend(range(first, first + 1 + len(query.nodes)))
        else:
            wanted.extend(start + i for i in query.read_at)
        spans.append((begin, len(wanted)))
    return torch.tensor(wanted, device=layout.ids_R.device, dtype=torch.long), spans


def scores_of(
    backbone: CausalBackbone, hidden: torch.Tensor, verbalizer: Verbalizer, head: Head | None
) -> torch.Tensor:
    """Scores of all labels [B, C]: by the head from hidden [B, D], or by the words from hidden [B * (1 + M), D]."""
    if head is not None:
        return F.linear(hidden.float(), *head)
    return label_scores(word_scores(backbone, hidden, verbalizer), verbalizer)


def word_scores(backbone: CausalBackbone, hidden: torch.Tensor, verbalizer: Verbalizer) -> torch.Tensor:
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


def _branch_scores(backbone: CausalBackbone, hidden_BND: torch.Tensor, verbalizer: Verbalizer) -> torch.Tensor:
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


def own_scores(backbone: CausalBackbone, hidden: torch.Tensor, trees: Sequence[Verbalizer]) -> list[torch.Tensor]:
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
        found = backbone.made_again(likelihoods, piece, place_E[inside_E] - start, token_E[inside_E])
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
