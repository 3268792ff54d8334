"""Final numbers of answers beside those of references. Knows nothing about resampling."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from trimtab.errors import TrimtabError
from trimtab.evaluation.metrics.metric import Metric, MetricResult, mean_of_rows
from trimtab.evaluation.text.numbers import numbers, plain
from trimtab.evaluation.text.shortening import shortened

_FINAL = "####"


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

    What a number is says `trimtab.evaluation.text.numbers`.
    """
    head, mark, tail = plain(text).rpartition(_FINAL)
    found = numbers(tail)
    if mark and found:
        return found[0]
    every = numbers(head) + found
    return every[-1] if every else None
