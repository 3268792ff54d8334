"""The sentence of the context that shares most with the question. Knows nothing about language models."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from math import log

from trimtab.data.example import SpanExample
from trimtab.data.spans.context import Place, cut_context
from trimtab.evaluation.baselines.spans.first_words import Answer, stretch

# What ends a sentence: of dots only those that white space or the end follows.
_ENDS, _DOTS = "!?。！？…", ".;"


def nearest_sentence(examples: Sequence[SpanExample]) -> list[Answer]:
    """Answer with a whole sentence of the context: that whose words in common with the question weigh most.

    A word weighs log(1 + S / s), where s of the S sentences of the context have it; of equals the first is taken (the
    unigram overlap of Rajpurkar et al. 2016, section 5, with weights).

    Args:
        examples: the N examples to answer; their answers are not looked at.
    """
    return [stretch(sentence_of(example)) for example in examples]


def sentence_of(example: SpanExample) -> list[Place]:
    """The tokens of the sentence that shares most with the question; none of a context without any."""
    parts = sentences(example.context)
    if not parts:
        return []
    asked = asked_words(example)
    words = [{word_at(example.context, place) for place in part} for part in parts]
    having = Counter(word for own in words for word in own)
    scores = [sum(log(1 + len(parts) / having[word]) for word in sorted(own & asked)) for own in words]
    return parts[max(range(len(parts)), key=lambda at: (scores[at], -at))]


def sentences(context: str) -> list[list[Place]]:
    """The tokens of each sentence, or line."""
    found: list[list[Place]] = [[]]
    before = 0
    for start, end in cut_context(context):
        if found[-1] and "\n" in context[before:start]:
            found.append([])
        found[-1].append((start, end))
        mark, behind = context[start:end], context[end : end + 1]
        if mark in _ENDS or (mark in _DOTS and (not behind or behind.isspace())):
            found.append([])
        before = end
    return [own for own in found if own]


def asked_words(example: SpanExample) -> set[str]:
    """The words of all fields but the context."""
    texts = [text for text in example.fields.values() if text != example.context]
    words = {word_at(text, place) for text in texts for place in cut_context(text)}
    return {word for word in words if any(map(str.isalnum, word))}


def word_at(text: str, place: Place) -> str:
    """A token as it is compared: composed, in lower case."""
    return unicodedata.normalize("NFC", text[slice(*place)]).casefold()
