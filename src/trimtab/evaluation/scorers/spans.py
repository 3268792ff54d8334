"""Answers that stand in a context scored by F1. Knows nothing about ways or how they answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trimtab.data.example import SpanExample
from trimtab.evaluation.metrics.metric import MetricResult
from trimtab.evaluation.scorers.corpus import CorpusScorer, corpus_scorer
from trimtab.evaluation.scores.spans import span_results, text_of
from trimtab.evaluation.text.words import Language

NO_ANSWER = "no answer"


def span_scorer(examples: Sequence[SpanExample], language: Language = "auto") -> CorpusScorer:
    """Return the scorer by F1; answers are tuples, a place in the context or () for none.

    Args:
        examples: the rows, with their answers.
        language: whose rules to follow.

    Raises:
        TrimtabError: a row that is not labelled.
    """

    def say(example: SpanExample, answer: Sequence[int]) -> str:
        return text_of(example, answer) or NO_ANSWER

    def results(answers: Sequence[Any]) -> list[MetricResult]:
        return span_results(examples, answers, language)

    of_nothing = results([()] * len(examples))
    right = [next(iter(example.references), NO_ANSWER) for example in examples]
    return corpus_scorer(examples, results, of_nothing, say, right)
