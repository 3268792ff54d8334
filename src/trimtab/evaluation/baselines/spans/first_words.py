"""The first words of the context, or no answer. Knows nothing about questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.data.example import SpanExample
from trimtab.data.spans.context import Place, cut_context, tokens_of

# An answer's place in the context, or nothing.
Answer = tuple[int, int] | tuple[()]


def first_words(train: Sequence[SpanExample], examples: Sequence[SpanExample]) -> list[Answer]:
    """Answer with as many words from the beginning as is usual, or with nothing where most of train has no answer.

    Args:
        train: examples with answers.
        examples: the N examples to answer; their answers are not looked at.
    """
    if 2 * sum(not example.references for example in train) > len(train):
        return [()] * len(examples)
    length = usual_length(train)
    return [stretch(cut_context(example.context)[:length]) for example in examples]


def usual_length(train: Sequence[SpanExample]) -> int:
    """Tokens of the answers of train, the median; 1 where none stands in its context."""
    found = [tokens_of(example.spans[0], cut_context(example.context)) for example in train if example.spans]
    lengths = [own[1] - own[0] for own in found if own]
    return int(np.percentile(lengths, 50, method="inverted_cdf")) if lengths else 1


def stretch(places: Sequence[Place]) -> Answer:
    """From the first token to the last; nothing of none."""
    return (places[0][0], places[-1][1]) if places else ()
