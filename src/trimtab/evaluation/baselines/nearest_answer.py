"""The answer to the most similar training input. Knows nothing about language models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.data.example import Example, TextExample
from trimtab.evaluation.text.words import Language, joined_fields, words

# Examples that are compared with train at once.
CHUNK = 256


def nearest_answer(
    train: Sequence[TextExample], examples: Sequence[Example], *, language: Language = "auto"
) -> list[str]:
    """Answer each example with the answer of the training row whose input is most like its own.

    Likeness is the cosine of TF-IDF weights over words (Salton & Buckley 1988), Chinese segmented.

    Args:
        train: examples with answers, at least one.
        examples: what to answer.
        language: language of the texts.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, asked = ([joined_fields(e) for e in rows] for rows in (train, examples))
    weigh = TfidfVectorizer(analyzer=lambda text: words(text, language), sublinear_tf=True)
    try:
        known = weigh.fit_transform(texts)
    except ValueError:  # not a word anywhere
        return [train[0].answer or "" for _ in examples]
    nearest: list[str] = []
    for start in range(0, len(asked), CHUNK):
        likeness = weigh.transform(asked[start : start + CHUNK]) @ known.T
        nearest += [train[int(i)].answer or "" for i in np.asarray(likeness.argmax(axis=1)).ravel()]
    return nearest
