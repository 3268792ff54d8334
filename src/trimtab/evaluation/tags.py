"""Scores of tags and of the entities they mark, and baselines. Knows nothing about prompts or files.

An entity is found where its type and both its ends are right, as in CoNLL-2003 (Tjong Kim Sang & De Meulder 2003) and
seqeval. Where each tag stands for itself, each token is an entity of its own.

N rows, T types.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.data.tags import Span, as_bio, f1, spans
from trimtab.data.tokens import joined, leads
from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics import RESAMPLES, ClassScore, Interval

# Tokens of a mistaken row that are shown.
SHOWN = 120
Tags = Sequence[str]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Marked:
    """An entity in a mistaken row: its type and its text."""

    type: str
    text: str


@dataclass(frozen=True)
class TagMistake:
    """A row with entities missed, or found where there are none.

    Attributes:
        where: place of origin.
        pieces: the row's text in pieces, each with what it is part of: `missed`, `spurious`, `both`, `right` or "".
        missed: entities that were not found.
        spurious: entities found that are none, ends and type included.
    """

    where: str
    pieces: list[tuple[str, str]]
    missed: list[Marked]
    spurious: list[Marked]


@dataclass(frozen=True)
class TagScores:
    """How well the tags of N rows fit the right ones; shares in [0, 1].

    Attributes:
        rows, tokens, entities: how many were scored.
        plain: whether each tag stands for itself; an entity is then a token.
        precision, recall, f1: over all entities (micro-average).
        macro_f1: mean F1 of the types that occur among right or given entities.
        token_accuracy: share of tokens whose tag is right.
        per_type: precision, recall, F1 and entities of each type.
        intervals: 95% percentile bootstrap intervals (Efron 1979) over rows, of `precision`, `recall`, `f1`, `macro_f1`
            and `token_accuracy`.
        mistakes: the rows with the most entities wrong.
    """

    rows: int
    tokens: int
    entities: int
    plain: bool
    precision: float
    recall: float
    f1: float
    macro_f1: float
    token_accuracy: float
    per_type: list[ClassScore]
    intervals: dict[str, Interval]
    mistakes: list[TagMistake]


def score_tags(
    examples: Sequence[Example],
    predicted: Sequence[Tags],
    *,
    plain: bool = False,
    join: Literal["auto", "space", "none"] = "auto",
    seed: int = 0,
    worst: int = 20,
) -> TagScores:
    """Score predicted tags against those of N examples.

    Args:
        examples: N examples with tags.
        predicted: the tags of each one's tokens, in valid BIO unless plain.
        plain: whether each tag stands for itself.
        join: what stands between tokens, to show mistakes.
        seed: seed of the bootstrap.
        worst: the most mistakes to keep.

    Raises:
        TrimtabError: no examples; one without tags.
    """
    if not examples:
        raise TrimtabError("There are no examples to score.", "Check that the data file has rows.")
    gold = [_gold(example) for example in examples]
    types = sorted({span.type for tags in (*gold, *predicted) for span in spans(tags, plain)})
    counts_NT3 = _counts(gold, predicted, types, plain)
    right = [sum(a == b for a, b in zip(*pair, strict=True)) for pair in zip(gold, predicted, strict=True)]
    tokens_N2 = np.array([[n, len(tags)] for n, tags in zip(right, gold, strict=True)])
    totals_T3 = counts_NT3.sum(axis=0)
    figures = _figures(totals_T3, tokens_N2.sum(axis=0))
    wrong_N = (counts_NT3[:, :, 1] + counts_NT3[:, :, 2] - 2 * counts_NT3[:, :, 0]).sum(axis=1)
    first = [int(n) for n in np.argsort(-wrong_N, kind="stable")[:worst] if wrong_N[n]]
    return TagScores(
        rows=len(examples),
        tokens=int(tokens_N2[:, 1].sum()),
        entities=int(totals_T3[:, 2].sum()),
        plain=plain,
        **figures,
        per_type=[
            ClassScore(name, found / max(given, 1), found / max(there, 1), f1(found, given, there), int(there))
            for name, (found, given, there) in zip(types, totals_T3.tolist(), strict=True)
        ],
        intervals=_intervals(counts_NT3, tokens_N2, seed),
        mistakes=[_mistake(examples[n], predicted[n], plain, join) for n in first],
    )


def entity_counts(examples: Sequence[Example], predicted: Sequence[Tags], plain: bool = False) -> Counts:
    """Entities found, predicted and there in each row, shape (N, 3)."""
    gold = [_gold(example) for example in examples]
    types = sorted({span.type for tags in (*gold, *predicted) for span in spans(tags, plain)})
    return _counts(gold, predicted, types, plain).sum(axis=1)  # type: ignore[no-any-return]


def commonest_tag(train: Sequence[Example], examples: Sequence[Example], plain: bool = False) -> list[list[str]]:
    """The commonest tag of train for every token; where tags mark entities and none is outside, repaired."""
    counts = Counter(tag for example in train for tag in _gold(example))
    most = min(counts, key=lambda tag: (-counts[tag], tag))
    found = [[most] * len(example.tokens) for example in examples]
    return found if plain else [as_bio(tags)[0] for tags in found]


def commonest_tag_of_token(
    train: Sequence[Example], examples: Sequence[Example], plain: bool = False
) -> list[list[str]]:
    """The tag that each token has most often in train, the commonest of all for others; made valid BIO."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for example in train:
        for token, tag in zip(example.tokens, _gold(example), strict=True):
            counts[token][tag] += 1
    best = {token: min(own, key=lambda tag: (-own[tag], tag)) for token, own in counts.items()}
    overall = commonest_tag(train, examples, plain=True)
    found = [
        [best.get(token, most) for token, most in zip(example.tokens, others, strict=True)]
        for example, others in zip(examples, overall, strict=True)
    ]
    return found if plain else [as_bio(tags)[0] for tags in found]


def _gold(example: Example) -> Tags:
    if example.tags is None:
        raise TrimtabError(f"{example.where}: this row has no tags.", "Scoring needs rows with tags.")
    return example.tags


def _counts(gold: Sequence[Tags], predicted: Sequence[Tags], types: Sequence[str], plain: bool) -> Counts:
    """Entities found, predicted and there, by row and type, shape (N, T, 3)."""
    column = {name: t for t, name in enumerate(types)}
    counts_NT3 = np.zeros((len(gold), len(types), 3), dtype=np.int64)
    for counts_T3, right, given in zip(counts_NT3, gold, predicted, strict=True):
        there, found = spans(right, plain), spans(given, plain)
        for at, some in enumerate((set(there) & set(found), found, there)):
            for span in some:
                counts_T3[column[span.type], at] += 1
    return counts_NT3


def _figures(totals_T3: NDArray[Any], tokens_2: NDArray[Any]) -> dict[str, float]:
    found, given, there = totals_T3.sum(axis=0)
    either_T = totals_T3[:, 1] + totals_T3[:, 2]
    f1_T = 2 * totals_T3[:, 0] / np.maximum(either_T, 1)
    return {
        "precision": float(found / max(given, 1)),
        "recall": float(found / max(there, 1)),
        "f1": float(f1(found, given, there)),
        "macro_f1": float(f1_T[either_T > 0].mean()) if either_T.any() else 0.0,
        "token_accuracy": float(tokens_2[0] / max(tokens_2[1], 1)),
    }


def _intervals(counts_NT3: Counts, tokens_N2: Counts, seed: int) -> dict[str, Interval]:
    random, rows = np.random.default_rng(seed), len(counts_NT3)
    flat = np.concatenate([counts_NT3.reshape(rows, -1), tokens_N2], axis=1).astype(np.float64)
    drawn = []
    for _ in range(RESAMPLES):
        sums = np.bincount(random.integers(rows, size=rows), minlength=rows) @ flat
        drawn.append(_figures(sums[:-2].reshape(-1, 3), sums[-2:]))
    intervals = {}
    for name in drawn[0]:
        low, high = np.percentile([figures[name] for figures in drawn], [2.5, 97.5])
        intervals[name] = Interval(float(low), float(high))
    return intervals


def _mistake(example: Example, predicted: Tags, plain: bool, join: Literal["auto", "space", "none"]) -> TagMistake:
    there, found = spans(_gold(example), plain), spans(predicted, plain)
    missed, spurious = sorted(set(there) - set(found), key=_place), sorted(set(found) - set(there), key=_place)
    marks = [""] * len(example.tokens)
    for mark, some in (("right", [s for s in there if s in found]), ("missed", missed), ("spurious", spurious)):
        for span in some:
            for at in range(span.start, span.end):
                marks[at] = "both" if marks[at] == "missed" and mark == "spurious" else mark
    if plain:
        marks = ["" if mark == "right" else "spurious" if mark == "both" else mark for mark in marks]
    pieces: list[tuple[str, str]] = []
    before = leads(example.tokens, join)
    for token, lead, mark in list(zip(example.tokens, before, marks, strict=True))[:SHOWN]:
        if pieces and pieces[-1][1] == mark:
            pieces[-1] = (pieces[-1][0] + lead + token, mark)
        else:
            pieces += [(lead, "")] if lead and pieces else []
            pieces.append((token, mark))
    if len(example.tokens) > SHOWN:
        pieces.append(("…", ""))

    def named(some: Sequence[Span]) -> list[Marked]:
        return [Marked(span.type, joined(example.tokens[span.start : span.end], join)) for span in some]

    return TagMistake(example.where, pieces, named(missed), named(spurious))


def _place(span: Span) -> tuple[int, int, str]:
    return span.start, span.end, span.type
