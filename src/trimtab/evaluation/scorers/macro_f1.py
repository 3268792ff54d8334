"""Labels scored by the mean of their F1, to which a rare label counts as much. Knows nothing about ways.

N rows, C labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.data.example import Example
from trimtab.evaluation.interval.bootstrap import Floats
from trimtab.evaluation.metrics.metric import Metric, MetricResult, mean_of_rows, result_of_sums
from trimtab.evaluation.scorers.accuracy import MACRO_F1
from trimtab.evaluation.scorers.corpus import CorpusScorer, corpus_scorer
from trimtab.evaluation.scores.classes import class_scores
from trimtab.evaluation.scores.gold import answer_ids


def macro_f1_scorer(examples: Sequence[Example], labels: Sequence[str]) -> CorpusScorer:
    """Return the scorer by macro F1, accuracy beside it; answers are indices of labels.

    Args:
        examples: the rows, with their labels.
        labels: the labels that there are.

    Raises:
        TrimtabError: a row without an answer, or with one that is none of the labels.
    """
    right_N = answer_ids(examples, labels)
    accuracy = Metric(name="accuracy", what="share of rows answered rightly")
    right_NC = _one_hot(right_N, len(labels))

    def results(answers: Sequence[Any]) -> list[MetricResult]:
        given_N = np.array([int(answer) for answer in answers], dtype=np.int64)
        given_NC, hits_N = _one_hot(given_N, len(labels)), (given_N == right_N).astype(np.float64)
        sums = np.concatenate([right_NC * given_NC, right_NC, given_NC], axis=1)
        return [
            result_of_sums(MACRO_F1, sums, _of_sums, per_row=hits_N, signature=""),
            mean_of_rows(accuracy, hits_N.tolist(), signature=""),
        ]

    def say(_: Example, answer: Any) -> str:
        return labels[int(answer)]

    return corpus_scorer(examples, results, results(right_N.tolist()), say, [labels[i] for i in right_N])


def _one_hot(ids_N: NDArray[np.int64], classes: int) -> Floats:
    out: Floats = (ids_N[:, None] == np.arange(classes)).astype(np.float64)
    return out


def _of_sums(sums: Floats) -> Floats:
    """Macro F1 of hits, right and given rows a label; shapes (..., 3 C) -> (...)."""
    _, _, f1, occurs = class_scores(*np.split(sums, 3, axis=-1))
    found: Floats = (f1 * occurs).sum(axis=-1) / np.maximum(occurs.sum(axis=-1), 1)
    return found
