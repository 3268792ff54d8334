"""Scores of tags and of the entities they mark. Knows nothing about prompts or files.

An entity is found where its type and both its ends are right, as in CoNLL-2003 (Tjong Kim Sang & De Meulder 2003) and
seqeval. Where each tag stands for itself, each token is an entity of its own.

N rows, T types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import TaggedExample
from trimtab.data.tags.tags import f1, spans
from trimtab.errors import TrimtabError
from trimtab.evaluation.chance.randomisation import randomisation_tests
from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.interval.interval import Interval
from trimtab.evaluation.metrics.metric import Metric, MetricResult, f1_of_sums, ratio_of_sums, result_of_sums
from trimtab.evaluation.metrics.score import with_intervals
from trimtab.evaluation.scores.classes import ClassScore
from trimtab.evaluation.scores.gold import groups_among, tags_of
from trimtab.evaluation.scores.tag_mistakes import TagMistake, tag_mistake

Tags = Sequence[str]
Counts = NDArray[np.int64]

# Where there is no entity anywhere, F1 over all rows is 0, as seqeval has it.
_f1_of_all = partial(f1_of_sums, of_none=0.0)


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
        intervals: 95% intervals over rows (see `interval/shares`), those of a group together, of `precision`,
            `recall`, `f1`, `macro_f1` and `token_accuracy`.
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
    examples: Sequence[TaggedExample],
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
    gold = [tags_of(example) for example in examples]
    types = _types(gold, predicted, plain)
    counts_NT3 = _counts(gold, predicted, types, plain)
    totals_T3 = counts_NT3.sum(axis=0)
    figures = with_intervals(_results(gold, predicted, counts_NT3), groups_among(examples), seed=seed)
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
        mistakes=[tag_mistake(examples[n], predicted[n], plain, join) for n in first],
    )


def tag_results(
    examples: Sequence[TaggedExample], predicted: Sequence[Tags], plain: bool = False
) -> list[MetricResult]:
    """Return F1 over all entities, the headline, and beside it precision, recall, the types' mean F1 and right tokens.

    Named as reports name them; of plain tags F1 is the accuracy of tokens, and only the tags' mean F1 stands beside it.
    """
    gold = [tags_of(example) for example in examples]
    counts_NT3 = _counts(gold, predicted, _types(gold, predicted, plain), plain)
    found = {result.metric.name: result for result in _results(gold, predicted, counts_NT3)}
    names = {"f1": "token accuracy"} if plain else {"f1": "entity F1", "precision": "precision", "recall": "recall"}
    names |= {"macro_f1": "macro F1"} | ({} if plain else {"token_accuracy": "token accuracy"})
    return [replace(found[key], metric=replace(found[key].metric, name=name)) for key, name in names.items()]


def tags_p_value(
    examples: Sequence[TaggedExample], ours: Sequence[Tags], theirs: Sequence[Tags], plain: bool = False
) -> float:
    """Return the two-sided p-value of the difference in F1 between two ways of tagging the same rows.

    By approximate randomisation (Yeh 2000), rows of a group exchanged together.
    """
    (one, *_), (other, *_) = (tag_results(examples, predicted, plain) for predicted in (ours, theirs))
    assert one.sums, one.metric
    assert other.sums, other.metric
    [p_value] = randomisation_tests([(one.sums, other.sums)], groups_among(examples))
    return p_value


def _types(gold: Sequence[Tags], predicted: Sequence[Tags], plain: bool) -> list[str]:
    """The types of all entities, right or given."""
    return sorted({span.type for tags in (*gold, *predicted) for span in spans(tags, plain)})


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


def _results(gold: Sequence[Tags], predicted: Sequence[Tags], counts_NT3: Counts) -> list[MetricResult]:
    """Every figure of `TagScores` that has an interval, under its name there."""
    rows, types, _ = counts_NT3.shape
    right = [sum(a == b for a, b in zip(*pair, strict=True)) for pair in zip(gold, predicted, strict=True)]
    tokens_N2 = np.array([[n, len(tags)] for n, tags in zip(right, gold, strict=True)], dtype=np.float64)
    sums_N3 = counts_NT3.sum(axis=1).astype(np.float64)

    def mean_f1(sums: Floats) -> Floats:
        sums_T3 = sums.reshape(*sums.shape[:-1], types, 3)
        occur = sums_T3[..., 1] + sums_T3[..., 2] > 0
        f1s: Floats = (_f1_of_all(sums_T3) * occur).sum(axis=-1) / np.maximum(occur.sum(axis=-1), 1)
        return f1s

    per_type = counts_NT3.reshape(rows, -1).astype(np.float64)
    f1_of_entities = Metric("f1", "entities whose type and both ends are right, F1")
    precision = Metric("precision", "entities given that are right")
    recall = Metric("recall", "entities there are that were found")
    macro_f1 = Metric("macro_f1", "mean of the types’ F1")
    token_accuracy = Metric("token_accuracy", "tokens whose tag is right")
    return [
        result_of_sums(f1_of_entities, sums_N3, _f1_of_all, per_row=f1_of_sums(sums_N3), signature=""),
        result_of_sums(precision, sums_N3[:, :2], ratio_of_sums, per_row=None, signature=""),
        result_of_sums(recall, sums_N3[:, [0, 2]], ratio_of_sums, per_row=None, signature=""),
        result_of_sums(macro_f1, per_type, mean_f1, per_row=None, signature=""),
        result_of_sums(token_accuracy, tokens_N2, ratio_of_sums, per_row=None, signature=""),
    ]
