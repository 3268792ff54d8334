"""What texts are like by themselves: variety, length, empty, copied. Knows nothing about resampling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.evaluation.interval.row_sums import Measured, mean_of_rows
from trimtab.evaluation.text.tokens import tokens

TOKENS = "tokens:words+chinese-characters"


def distinct(predictions: Sequence[str], *, order: int) -> Measured:
    """Return distinct-n (Li et al. 2016, section 5.3): different n-grams in all N texts, by the number of their tokens.

    It is no sum over rows and falls as rows grow in number: compare it between systems on the same rows alone.
    """
    found: set[tuple[str, ...]] = set()
    count = 0
    for text in predictions:
        words = tokens(text)
        count += len(words)
        found.update(zip(*(words[i:] for i in range(order)), strict=False))
    what = "different words by words in all" if order == 1 else "different pairs of words by words in all"
    value = len(found) / count if count else 0.0
    return Measured(f"distinct-{order}", what, "share", True, TOKENS, None, None, whole=value)


def length_ratio(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Measured:
    """Return the tokens of N texts by those of their references, of several the nearest in length (as in BLEU)."""
    sums = []
    for text, row in zip(predictions, references, strict=True):
        length = len(tokens(text))
        sums.append((length, min((len(tokens(r)) for r in row), key=lambda other: (abs(other - length), other))))
    sums_N2 = np.array(sums, dtype=np.float64)
    per_row_N = sums_N2[:, 0] / np.maximum(sums_N2[:, 1], 1)
    what = "length of the answers by length of the references, in words or Chinese characters"
    return Measured("length ratio", what, "ratio", None, TOKENS, per_row_N, sums_N2)


def empty(predictions: Sequence[str]) -> Measured:
    """Return the share of N texts that hold nothing but spaces."""
    values = [float(not text.strip()) for text in predictions]
    return mean_of_rows("empty", "answers without any text", values, signature="", higher_is_better=False)


def copied(predictions: Sequence[str], inputs: Sequence[str]) -> Measured:
    """Return the share of N texts that are their input again, but for case and spaces; empty ones are no copies."""
    values = [
        float(bool(text.strip()) and _form(text) == _form(given))
        for text, given in zip(predictions, inputs, strict=True)
    ]
    return mean_of_rows("copied", "answers that are the input again", values, signature="", higher_is_better=None)


def _form(text: str) -> str:
    return " ".join(text.split()).casefold()
