"""Final numbers of answers beside those of references. Knows nothing about resampling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.metric import Metric, MetricResult, mean_of_rows
from trimtab.evaluation.text.shortening import shortened

_NUMBER = re.compile(
    r"(?:(?<![0-9a-z.,)%])[-+])?"
    r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\d.])\.\d+)"
    r"(?:e[-+]?\d{1,3}(?!\d))?"
)
_FINAL = "####"
_CURRENCY = re.compile(r"[$€£¥₹]\s*")


def numeric_match(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> MetricResult:
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
    metric = Metric("numeric EM", "answers whose final number is that of a reference")
    return mean_of_rows(metric, values, signature="number:after-####-or-last")


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
