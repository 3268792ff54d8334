"""Sets of labels scored by F1 over all of them. Knows nothing about ways or how they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from trimtab.data.example import MultiLabelExample
from trimtab.data.label_sets import shown
from trimtab.evaluation.metrics.metric import MetricResult
from trimtab.evaluation.scorers.corpus import CorpusScorer, corpus_scorer
from trimtab.evaluation.scores.gold import label_sets_of
from trimtab.evaluation.scores.multilabel import label_set_results


def multilabel_scorer(
    examples: Sequence[MultiLabelExample], labels: Sequence[str], first: str = "micro F1"
) -> CorpusScorer:
    """Return the scorer by micro F1, or by another of its metrics; answers are tuples of labels.

    Args:
        examples: the rows, with their labels.
        labels: the labels that there are.
        first: name of the metric that ways are ranked by.

    Raises:
        TrimtabError: a row without an answer.
    """

    def say(example: MultiLabelExample, given: Sequence[str]) -> str:
        return shown(given)

    def results(answers: Sequence[Any]) -> list[MetricResult]:
        found = label_set_results(examples, answers, labels)
        if first == found[0].metric.name:
            return found
        rest = [result for result in found if result.metric.name != first]
        [head] = [result for result in found if result.metric.name == first]
        # a row alone is scored by F1 over its labels either way
        return [replace(head, per_row=found[0].per_row), *rest]

    gold = label_sets_of(examples)
    return corpus_scorer(examples, results, results(gold), say, [shown(own) for own in gold])
