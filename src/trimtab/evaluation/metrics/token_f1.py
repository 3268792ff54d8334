"""F1 of what a short answer shares with its best reference. Knows nothing about resampling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import regex

from trimtab.data.text.word_parts import CJK, LETTERS, MARKS, run
from trimtab.evaluation.metrics.metric import Metric, MetricResult, mean_of_rows
from trimtab.evaluation.metrics.normalised import CMRC, SQUAD, cmrc_normalised, squad_normalised
from trimtab.evaluation.text.tokens import longest_common_run

_CMRC_SEGMENT = regex.compile(
    rf"[{CJK}][{MARKS}]*+|\d+(?:[.,]\d+)+|{run(LETTERS + '_', but=CJK)}|[^{LETTERS}_\s]", regex.V1
)


def token_f1(predictions: Sequence[str], references: Sequence[Sequence[str]], *, chinese: bool) -> MetricResult:
    """Return the mean F1 of what N answers share with their best reference.

    English: words, in whatever order. Chinese: the longest run of characters and words. Two texts of which nothing is
    left count as the same, as in SQuAD 2.0 (the scripts give 0 there, beside an exact match of 1).
    """
    values = [best_f1(text, row, chinese=chinese) for text, row in zip(predictions, references, strict=True)]
    what = "longest run of characters" if chinese else "words"
    metric = Metric("F1", f"{what} shared with the best reference, F1")
    return mean_of_rows(metric, values, signature=CMRC if chinese else SQUAD)


def best_f1(text: str, references: Sequence[str], *, chinese: bool) -> float:
    """Return the F1 of what a text shares with its best reference; of none, that of the empty text."""
    f1 = cmrc_f1 if chinese else squad_f1
    return max(f1(text, reference) for reference in references or ("",))


def squad_f1(text: str, reference: str) -> float:
    """Return SQuAD's F1 of the words of two texts."""
    one, other = squad_normalised(text).split(), squad_normalised(reference).split()
    return _f1((Counter(one) & Counter(other)).total(), len(one), len(other))


def cmrc_f1(text: str, reference: str) -> float:
    """Return CMRC's F1: of the longest common run of segments, which are Chinese characters, words and other symbols.

    Words are told apart by a pattern, the script's by NLTK; they differ in English contractions and abbreviations.
    """
    one, other = (_CMRC_SEGMENT.findall(cmrc_normalised(side)) for side in (text, reference))
    return _f1(longest_common_run(one, other), len(one), len(other))


def _f1(both: int, one: int, other: int) -> float:
    return 1.0 if one == other == 0 else 2 * both / (one + other)
