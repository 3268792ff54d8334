"""Sets of labels scored by F1 over all of them. Knows nothing about ways or how they answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trimtab.data.example import MultiLabelExample
from trimtab.data.label_sets import shown
from trimtab.evaluation.metrics.metric import MetricResult
from trimtab.evaluation.scorers.corpus import CorpusScorer, corpus_scorer
from trimtab.evaluation.scores.gold import label_sets_of
from trimtab.evaluation.scores.multilabel import label_set_results


def multilabel_scorer(examples: Sequence[MultiLabelExample], labels: Sequence[str]) -> CorpusScorer:
    """Return the scorer by micro F1; answers are tuples of labels.

    Args:
        examples: the rows, with their labels.
        labels: the labels that there are.

    Raises:
        TrimtabError: a row without an answer.
    """

    def say(example: MultiLabelExample, given: Sequence[str]) -> str:
        return shown(given)

    def results(answers: Sequence[Any]) -> list[MetricResult]:
        return label_set_results(examples, answers, labels)

    gold = label_sets_of(examples)
    return corpus_scorer(examples, results, results(gold), say, [shown(own) for own in gold])
