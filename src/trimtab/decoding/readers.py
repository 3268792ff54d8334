"""What is read of a row: the words of labels, the row's own options, or what a trained head says.

Knows nothing about tasks or runs. B rows, C labels, M tree nodes, D hidden.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from trimtab.backbones.backbone import Backbone
from trimtab.decoding.scoring import Reader, label_scores, own_scores, word_scores
from trimtab.prompts.verbalizer import Verbalizer

# Weight [C, D] and bias [C].
Head = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class WordReader:
    """Log-probabilities [C] of labels, by their words, in a tree of tokens behind the row.

    A word's score is the sum of its tokens' log-likelihoods (divided by their number with `length_normalise`), over the
    vocabulary or, with `branches`, over the tokens that words go on with there; a label's is the log-sum-exp of its
    words'; probabilities are a softmax over labels.
    """

    verbalizer: Verbalizer

    @property
    def nodes(self) -> tuple[int, ...]:
        """The tree of all words."""
        return self.verbalizer.node_ids

    @property
    def parents(self) -> tuple[int, ...]:
        """Theirs."""
        return self.verbalizer.parents

    @property
    def group(self) -> Hashable:
        """Rows with the same words."""
        return id(self.verbalizer)

    def read(
        self, backbone: Backbone, hidden: torch.Tensor, readers: Sequence[Reader], counts: Sequence[int]
    ) -> Sequence[torch.Tensor]:
        """Scores [C] of each of B rows, from hidden [B * (1 + M), D]."""
        return label_scores(word_scores(backbone, hidden, self.verbalizer), self.verbalizer).unbind()

    def finished(self, scores: torch.Tensor) -> torch.Tensor:
        """Log-probabilities."""
        return torch.log_softmax(scores, -1)

    def averaged(self, found: torch.Tensor) -> torch.Tensor:
        """Probabilities."""
        return found.exp()


@dataclass(frozen=True)
class OptionReader(WordReader):
    """Log-probabilities of a row's own options, in a tree of its own behind it."""

    @property
    def group(self) -> Hashable:
        """All rows with options of their own."""
        return OptionReader

    def read(
        self, backbone: Backbone, hidden: torch.Tensor, readers: Sequence[Reader], counts: Sequence[int]
    ) -> list[torch.Tensor]:
        """Scores of each row's options, from hidden [sum of 1 + M, D]."""
        trees = [reader.verbalizer for reader in readers if isinstance(reader, OptionReader)]
        return own_scores(backbone, hidden, trees)


@dataclass(frozen=True)
class HeadReader:
    """Log-probabilities [C] of labels that a head gives where a row is answered."""

    head: Head
    nodes: tuple[int, ...] = ()
    parents: tuple[int, ...] = ()

    @property
    def group(self) -> Hashable:
        """Rows with the same head."""
        return id(self.head)

    def read(
        self, backbone: Backbone, hidden: torch.Tensor, readers: Sequence[Reader], counts: Sequence[int]
    ) -> Sequence[torch.Tensor]:
        """Scores [C] of each of B rows, from hidden [B, D]."""
        return F.linear(hidden.float(), *self.head).unbind()

    def finished(self, scores: torch.Tensor) -> torch.Tensor:
        """Log-probabilities."""
        return torch.log_softmax(scores, -1)

    def averaged(self, found: torch.Tensor) -> torch.Tensor:
        """Probabilities."""
        return found.exp()


@dataclass(frozen=True)
class MultiLabelReader(HeadReader):
    """Log-odds [C] of labels, each by itself, that a head gives where a row is answered."""

    def finished(self, scores: torch.Tensor) -> torch.Tensor:
        """Log-odds."""
        return scores

    def averaged(self, found: torch.Tensor) -> torch.Tensor:
        """Probabilities, each label's by itself."""
        return torch.sigmoid(found)


@dataclass(frozen=True)
class NumberReader(HeadReader):
    """The number [1] that a head gives where a row is answered."""

    def finished(self, scores: torch.Tensor) -> torch.Tensor:
        """The number."""
        return scores

    def averaged(self, found: torch.Tensor) -> torch.Tensor:
        """The number."""
        return found


@dataclass(frozen=True)
class TokenReader(HeadReader):
    """Log-probabilities [number of tokens, C] that a head gives at each of a row's tokens."""

    def read(
        self, backbone: Backbone, hidden: torch.Tensor, readers: Sequence[Reader], counts: Sequence[int]
    ) -> Sequence[torch.Tensor]:
        """Scores of each row's tokens, from hidden [all rows' tokens, D]."""
        return torch.split(F.linear(hidden.float(), *self.head), list(counts))


@dataclass(frozen=True)
class SpanReader(TokenReader):
    """Log-probabilities [places, 2] that the answer begins, and ends, at each place of a row that a head reads.

    Each of the two sums to one over a row's places, of which the first is that of no answer.
    """

    def finished(self, scores: torch.Tensor) -> torch.Tensor:
        """Log-probabilities."""
        return torch.log_softmax(scores, 0)
