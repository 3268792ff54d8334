"""The words that stand nearest to those of the question. Knows nothing about language models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log

from trimtab.data.example import SpanExample
from trimtab.data.spans.context import Place, cut_context
from trimtab.evaluation.baselines.spans.first_words import Answer, stretch, usual_length
from trimtab.evaluation.baselines.spans.nearest_sentence import asked_words, sentence_of, word_at


def nearby_words(train: Sequence[SpanExample], examples: Sequence[SpanExample]) -> list[Answer]:
    """Answer with as many words as is usual, without one of the question's, that stand nearest to those.

    They are looked for in the sentence that shares most with the question. Each of its words that the question has
    adds log(1 + 1 / n) over one more than its distance in tokens, where n is how often the context has it (the weights
    of the sliding window of Richardson et al. 2013, with the distance of Rajpurkar et al. 2016, section 5); of equals
    the first is taken. Where no stretch will do, the answer is the whole sentence.

    Args:
        train: examples with answers.
        examples: the N examples to answer; their answers are not looked at.
    """
    length = usual_length(train)
    return [_nearby(example, length) for example in examples]


def _nearby(example: SpanExample, length: int) -> Answer:
    context, asked = example.context, asked_words(example)
    sentence = sentence_of(example)
    words = [word_at(context, place) for place in sentence]
    counts = Counter(word_at(context, place) for place in cut_context(context))
    known = [(at, log(1 + 1 / counts[word])) for at, word in enumerate(words) if word in asked]
    starts = [at for at in range(len(words) - length + 1) if _fits(words[at : at + length], asked)]
    if not starts:
        return stretch(sentence)
    best = max(starts, key=lambda at: (sum(weight / (1 + _apart(one, at, length)) for one, weight in known), -at))
    chosen: list[Place] = sentence[best : best + length]
    return stretch(chosen)


def _fits(words: Sequence[str], asked: set[str]) -> bool:
    """Whether a stretch has no word of the question, and begins and ends with a word."""
    ends = (words[0], words[-1])
    return not asked.intersection(words) and all(any(map(str.isalnum, word)) for word in ends)


def _apart(at: int, start: int, length: int) -> int:
    """Tokens from a stretch to another token."""
    return start - at if at < start else at - (start + length - 1)
