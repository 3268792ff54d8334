"""Short answers beside right ones: exact match, shared words, numbers. Knows nothing about resampling.

English follows SQuAD v1.1 (Rajpurkar et al. 2016), Chinese CMRC 2018 (Cui et al. 2019), as their scripts do it; where a
row has several references, the best counts.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from trimtab.errors import TrimtabError
from trimtab.evaluation.interval.row_sums import Measured, mean_of_rows
from trimtab.evaluation.scores.labels import shortened
from trimtab.evaluation.text.tokens import longest_common_run
from trimtab.evaluation.text.words import CJK

SQUAD, CMRC = "rules:squad-v1.1", "rules:cmrc2018"

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
# What CMRC 2018's script leaves out.
_CMRC_PUNCTUATION = "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"
_NO_CMRC_PUNCTUATION = str.maketrans("", "", _CMRC_PUNCTUATION)
_CMRC_SEGMENT = re.compile(rf"[{CJK}]|\d+(?:[.,]\d+)+|[^\W{CJK}]+|[^\w\s]")
_NUMBER = re.compile(
    r"(?:(?<![0-9a-z.,)%])[-+])?"
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\d.])\.\d+)"
    r"(?:e[-+]?\d{1,3}(?!\d))?"
)
_FINAL = "####"
_CURRENCY = re.compile(r"[$€£¥₹]\s*")


def exact_match(predictions: Sequence[str], references: Sequence[Sequence[str]], *, chinese: bool) -> Measured:
    """Return the share of N answers that are a reference, but for case, punctuation and, in English, articles."""
    same = cmrc_form if chinese else squad_form
    values = [
        float(same(text) in {same(reference) for reference in row})
        for text, row in zip(predictions, references, strict=True)
    ]
    what = "answers that are the same as a reference, but for case and punctuation" + (
        "" if chinese else " and articles"
    )
    return mean_of_rows("EM", what, values, signature=CMRC if chinese else SQUAD)


def token_f1(predictions: Sequence[str], references: Sequence[Sequence[str]], *, chinese: bool) -> Measured:
    """Return the mean F1 of what N answers share with their best reference.

    English: words, in whatever order. Chinese: the longest run of characters and words. Two texts of which nothing is
    left count as the same, as in SQuAD 2.0 (the scripts give 0 there, beside an exact match of 1).
    """
    measure = cmrc_f1 if chinese else squad_f1
    values = [
        max(measure(text, reference) for reference in row) for text, row in zip(predictions, references, strict=True)
    ]
    what = "longest run of characters" if chinese else "words"
    return mean_of_rows(
        "F1", f"{what} shared with the best reference, F1", values, signature=CMRC if chinese else SQUAD
    )


def squad_form(text: str) -> str:
    """Return the text in lower case, without punctuation and articles, words one space apart."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def squad_f1(text: str, reference: str) -> float:
    """Return SQuAD's F1 of the words of two texts."""
    one, other = squad_form(text).split(), squad_form(reference).split()
    return _f1((Counter(one) & Counter(other)).total(), len(one), len(other))


def cmrc_form(text: str) -> str:
    """Return the text in lower case without the punctuation that CMRC 2018 leaves out."""
    return text.lower().strip().translate(_NO_CMRC_PUNCTUATION)


def cmrc_f1(text: str, reference: str) -> float:
    """Return CMRC's F1: of the longest common run of segments, which are Chinese characters, words and other symbols.

    Words are told apart by a pattern, the script's by NLTK; they differ in English contractions and abbreviations.
    """
    one, other = (_CMRC_SEGMENT.findall(cmrc_form(side)) for side in (text, reference))
    return _f1(longest_common_run(one, other), len(one), len(other))


def numeric_match(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Measured:
    """Return the share of N answers whose final number is that of a reference (as for GSM8K, Cobbe et al. 2021).

    Raises:
        TrimtabError: a reference without a number, with its row.
    """
    values = []
    for row, (text, right) in enumerate(zip(predictions, references, strict=True), start=1):
        numbers = [final_number(reference) for reference in right]
        if None in numbers:
            found = shortened(right[numbers.index(None)])
            raise TrimtabError(
                f"Row {row}: the reference '{found}' has no number in it.",
                "Numeric EM needs one in every reference; EM compares whole texts.",
            )
        values.append(float(final_number(text) in numbers))
    what = "answers whose final number is that of a reference"
    return mean_of_rows("numeric EM", what, values, signature="number:after-####-or-last")


def final_number(text: str) -> Decimal | None:
    """Return the first number after the last `####`, or the last number where there is none; None without any.

    Commas between thousands, currency signs and percent signs are passed over (50% is 50); full-width digits and powers
    of ten (1e3) are read. A minus counts where no digit or Latin letter stands before it, so that 3-5 ends in 5. Words
    for numbers (three, 万) are not read.
    """
    plain = unicodedata.normalize("NFKC", text).replace("−", "-").lower()
    head, mark, tail = plain.rpartition(_FINAL)
    found = _numbers(tail)
    if mark and found:
        return found[0]
    every = _numbers(head) + found
    return every[-1] if every else None


def _numbers(text: str) -> list[Decimal]:
    return [Decimal(found.replace(",", "")) for found in _NUMBER.findall(_CURRENCY.sub("", text))]


def _f1(both: int, one: int, other: int) -> float:
    return 1.0 if one == other == 0 else 2 * both / (one + other)
