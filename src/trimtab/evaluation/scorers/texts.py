"""Free text scored by metrics of texts, or by running it. Knows nothing about ways or how they answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from trimtab.data.example import TextExample
from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.choose import metric_names, metric_results
from trimtab.evaluation.metrics.metric import MetricResult
from trimtab.evaluation.metrics.pass_at_k import pass_at_k
from trimtab.evaluation.scorers.corpus import CorpusScorer, corpus_scorer
from trimtab.evaluation.scores.gold import inputs_of, references_of
from trimtab.evaluation.scores.texts import DEFAULT_METRICS
from trimtab.evaluation.text.words import Language

# Answers in the order of their rows -> whether the program in each passes the row's tests.
Passes = Callable[[Sequence[str]], Sequence[bool]]


def text_scorer(
    examples: Sequence[TextExample],
    metrics: Sequence[str] | None = None,
    language: Language = "auto",
    passes: Passes | None = None,
) -> CorpusScorer:
    """Return the scorer by the first of the metrics, with the others beside it; answers are texts.

    Args:
        examples: the rows, with their references.
        metrics: names out of `TEXT_METRICS`; `DEFAULT_METRICS` by default.
        language: whose rules to follow.
        passes: where answers are programs to be run, what runs them; pass@1 then comes first.

    Raises:
        TrimtabError: an unknown metric, a first one that ways cannot be ranked or tested by, a row without a reference.
    """
    names = list(dict.fromkeys(metric_names(metrics or DEFAULT_METRICS)))
    references, inputs = references_of(examples), inputs_of(examples)

    def results(answers: Sequence[Any]) -> list[MetricResult]:
        own = [_pass_at_1(passes(answers))] if passes else []
        return [*own, *metric_results(answers, references, metrics=names, language=language, inputs=inputs)]

    nothing = [""] * len(examples)  # what the metrics are, without running anything
    of_nothing = metric_results(nothing, references, metrics=names, language=language, inputs=inputs)
    if passes:
        of_nothing = [_pass_at_1([False] * len(examples)), *of_nothing]
    _check_first(of_nothing[0])
    right = [texts[0] for texts in references]
    return corpus_scorer(examples, results, of_nothing, lambda _, answer: str(answer) or "(nothing)", right)


def _pass_at_1(passed: Sequence[bool]) -> MetricResult:
    return pass_at_k([1] * len(passed), [int(each) for each in passed], 1)


def _check_first(result: MetricResult) -> None:
    """Raise TrimtabError where ways cannot be ranked or tested by the metric."""
    why = "is no sum over rows, so that nothing says what of a difference is chance" if result.sums is None else ""
    if result.metric.higher_is_better is None:
        why = "is better neither when higher nor when lower"
    if why:
        raise TrimtabError(
            f"answer.metrics: ways are compared by the first metric, and {result.metric.name} {why}.",
            "Put another one first, chrF say.",
        )
