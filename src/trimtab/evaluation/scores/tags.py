"""Scores of tags and of the entities they mark, and baselines. Knows nothing about prompts or files.

An entity is found where its type and both its ends are right, as in CoNLL-2003 (Tjong Kim Sang & De Meulder 2003) and
seqeval. Where each tag stands for itself, each token is an entity of its own.

N rows, T types.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.data.tags import Span, as_bio, f1, spans
from trimtab.data.tokens import joined, leads
from trimtab.errors import TrimtabError
from trimtab.evaluation.interval.row_sums import Floats, Measured, f1_of_sums, first_by_second, with_intervals
from trimtab.evaluation.scores.labels import RESAMPLES, ClassScore, Interval

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
    totals_T3 = counts_NT3.sum(axis=0)
    figures = with_intervals(_measured(gold, predicted, counts_NT3), seed=seed, resamples=RESAMPLES)
    wrong_N = (counts_NT3[:, :, 1] + counts_NT3[:, :, 2] - 2 * counts_NT3[:, :, 0]).sum(axis=1)
    first = [int(n) for n in np.argsort(-wrong_N, kind="stable")[:worst] if wrong_N[n]]
    return TagScores(
        rows=len(examples),
        tokens=sum(map(len, gold)),
        entities=int(totals_T3[:, 2].sum()),
        plain=plain,
        **{figure.name: figure.value for figure in figures},
        per_type=[
            ClassScore(name, found / max(given, 1), found / max(there, 1), f1(found, given, there), int(there))
            for name, (found, given, there) in zip(types, totals_T3.tolist(), strict=True)
        ],
        intervals={figure.name: figure.interval for figure in figures if figure.interval},
        mistakes=[_mistake(examples[n], predicted[n], plain, join) for n in first],
    )


def measure_tags(examples: Sequence[Example], predicted: Sequence[Tags], plain: bool = False) -> list[Measured]:
    """F1 over all entities, the headline, and beside it precision, recall, the types' mean F1 and right tokens.

    Named as reports name them; of plain tags F1 is the accuracy of tokens, and only the tags' mean F1 stands beside it.
    """
    gold = [_gold(example) for example in examples]
    types = sorted({span.type for tags in (*gold, *predicted) for span in spans(tags, plain)})
    found = {m.name: m for m in _measured(gold, predicted, _counts(gold, predicted, types, plain))}
    names = {"f1": "token accuracy"} if plain else {"f1": "entity F1", "precision": "precision", "recall": "recall"}
    names |= {"macro_f1": "macro F1"} | ({} if plain else {"token_accuracy": "token accuracy"})
    return [replace(found[key], name=name) for key, name in names.items()]


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


def _measured(gold: Sequence[Tags], predicted: Sequence[Tags], counts_NT3: Counts) -> list[Measured]:
    """Every figure of `TagScores` that has an interval, under its name there."""
    rows, types, _ = counts_NT3.shape
    right = [sum(a == b for a, b in zip(*pair, strict=True)) for pair in zip(gold, predicted, strict=True)]
    tokens_N2 = np.array([[n, len(tags)] for n, tags in zip(right, gold, strict=True)], dtype=np.float64)
    sums_N3 = counts_NT3.sum(axis=1).astype(np.float64)
    f1_of_all = partial(f1_of_sums, of_none=0.0)

    def mean_f1(sums: Floats) -> Floats:
        sums_T3 = sums.reshape(*sums.shape[:-1], types, 3)
        occur = sums_T3[..., 1] + sums_T3[..., 2] > 0
        f1s: Floats = (f1_of_all(sums_T3) * occur).sum(axis=-1) / np.maximum(occur.sum(axis=-1), 1)
        return f1s

    per_type = counts_NT3.reshape(rows, -1).astype(np.float64)
    return [
        _share("f1", "entities whose type and both ends are right, F1", sums_N3, f1_of_all, f1_of_sums(sums_N3)),
        _share("precision", "entities given that are right", sums_N3[:, :2]),
        _share("recall", "entities there are that were found", sums_N3[:, [0, 2]]),
        _share("macro_f1", "mean of the types’ F1", per_type, mean_f1),
        _share("token_accuracy", "tokens whose tag is right", tokens_N2),
    ]


def _share(
    name: str, what: str, sums_NS: Floats, of_sums: Callable[[Floats], Floats] = first_by_second,
    per_row: Floats | None = None,
) -> Measured:  # fmt: skip
    return Measured(name, what, "share", True, "", per_row, sums_NS, of_sums)


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
