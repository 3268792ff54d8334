"""Tags scored by the F1 of the entities they mark. Knows nothing about ways or how they answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from trimtab.data.example import TaggedExample
from trimtab.data.tags.tags import spans
from trimtab.data.text.tokens import joined
from trimtab.evaluation.metrics.metric import MetricResult
from trimtab.evaluation.scorers.corpus import CorpusScorer, corpus_scorer
from trimtab.evaluation.scores.gold import tags_of
from trimtab.evaluation.scores.tags import tag_results


def tag_scorer(
    examples: Sequence[TaggedExample], *, plain: bool = False, join: Literal["auto", "space", "none"] = "auto"
) -> CorpusScorer:
    """Return the scorer by F1 of entities, of plain tags by the accuracy of tokens; answers are tuples of tags.

    Args:
        examples: the rows, with their tags.
        plain: whether each tag stands for itself.
        join: what stands between tokens where entities are shown.

    Raises:
        TrimtabError: a row without tags.
    """

    def say(example: TaggedExample, tags: Sequence[str]) -> str:
        if plain:
            return " ".join(f"{token}/{tag}" for token, tag in zip(example.tokens, tags, strict=True))
        found = [f"{s.type}: {joined(example.tokens[s.start : s.end], join)}" for s in spans(tags)]
        return "; ".join(found) or "no entity"

    def results(answers: Sequence[Any]) -> list[MetricResult]:
        return tag_results(examples, answers, plain)

    gold = [tags_of(example) for example in examples]
    right = [say(example, tags) for example, tags in zip(examples, gold, strict=True)]
    return corpus_scorer(examples, results, results(gold), say, right)
