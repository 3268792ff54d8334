"""Rows divided by length of the input, right answer and columns of the data. Knows nothing about scores.

What divides them is never how they were answered, so that a test of the parts is honest.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from trimtab.data.example import Example
from trimtab.evaluation.text.words import joined_fields

# Values of a column that are parts by themselves; of more, the others are one part. From so many different numbers on,
# thirds are made of them.
MOST_VALUES, MANY_NUMBERS = 20, 13
By = Literal["length", "answer", "column"]


@dataclass(frozen=True)
class Part:
    """Some of the rows: what they have in common, "" where that is an empty value, and their places."""

    name: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Division:
    """All the rows in parts; a row with several labels is in several.

    Attributes:
        by: what divides them.
        column: name of the column, or "".
        parts: two or more.
    """

    by: By
    column: str
    parts: tuple[Part, ...]


def divisions(examples: Sequence[Example], classes: Sequence[str]) -> list[Division]:
    """Return the ways to divide rows that leave two parts or more.

    Args:
        examples: the rows, with the values of the columns that they are to be told apart by.
        classes: what answers are counted by: labels, or the places of options; none where answers are neither.
    """
    columns = dict.fromkeys(column for example in examples for column in example.slices)
    found = [
        Division("length", "", tuple(_thirds([_length(example) for example in examples], " characters"))),
        Division("answer", "", tuple(_by_class(examples, classes))),
        *(Division("column", name, tuple(_by_value([e.slices.get(name, "") for e in examples]))) for name in columns),
    ]
    return [division for division in found if len(division.parts) > 1]


def _length(example: Example) -> int:
    """Characters of all fields, and of the options of a choice."""
    return len(joined_fields(example)) + sum(map(len, example.beside))


def _by_class(examples: Sequence[Example], classes: Sequence[str]) -> list[Part]:
    rows: dict[int, list[int]] = {c: [] for c in range(len(classes))}
    for i, example in enumerate(examples):
        for c in example.classes_in(classes):
            rows[c].append(i)
    return [Part(classes[c], tuple(own)) for c, own in rows.items() if own]


def _by_value(values: Sequence[str]) -> list[Part]:
    """A part a value, the commonest first; thirds where there are many different numbers."""
    counts = Counter(values)
    numbers = {value: number for value in counts if (number := _number(value)) is not None}
    if len(numbers) >= MANY_NUMBERS and counts.keys() - numbers.keys() <= {""}:
        bare = tuple(i for i, value in enumerate(values) if not value)
        thirds = _thirds({i: numbers[value] for i, value in enumerate(values) if value}, "")
        return [*thirds, Part("", bare)] if bare else thirds
    names = sorted(counts, key=lambda value: (-counts[value], value))
    shown = names if len(names) <= MOST_VALUES else names[: MOST_VALUES - 1]
    parts = [Part(name, tuple(i for i, value in enumerate(values) if value == name)) for name in shown]
    if len(shown) < len(names):
        others = set(names[len(shown) :])
        parts.append(Part(f"{len(others):,} other values", tuple(i for i, v in enumerate(values) if v in others)))
    return parts


def _thirds(values: Sequence[float] | Mapping[int, float], unit: str) -> list[Part]:
    """Three parts of about as many rows each, from low to high; fewer where many values are the same."""
    numbered = dict(enumerate(values)) if isinstance(values, Sequence) else values
    ordered = sorted(numbered.values())
    cuts = dict.fromkeys(ordered[math.ceil(k * len(ordered) / 3) - 1] for k in (1, 2, 3))
    parts, above = [], -math.inf
    for cut in cuts:
        rows = tuple(i for i, value in numbered.items() if above < value <= cut)
        least = min(numbered[i] for i in rows)
        parts.append(Part((f"{_written(least)} to " if least < cut else "") + _written(cut) + unit, rows))
        above = cut
    return parts


def _written(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
