"""What a column of records holds, told from its values. Knows nothing about tasks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from trimtab.data.values import listed

_BESIDE = re.compile(
    r"(^|[_\W])(id|idx|index|guid|uuid|url|link|date|time|timestamp|split|row|number|no|lang)$", re.IGNORECASE
)
# Most values of a column of classes, as a number and as a share of the rows.
MANY_CLASSES, CLASSES_A_ROW = 20, 0.2


@dataclass(frozen=True)
class Column:
    """What a column holds: the values that are there, in order."""

    name: str
    values: Sequence[object]

    @cached_property
    def lists(self) -> bool:
        """Whether every value is a list, or a JSON list in a text."""
        return bool(self.values) and all(listed(value) is not None for value in self.values)

    @cached_property
    def texts(self) -> list[str]:
        """Scalar values as text, as answers are read."""
        plain = [value for value in self.values if not isinstance(value, list | dict | bytes)]
        return [str(value).lower() if isinstance(value, bool) else str(value).strip() for value in plain]

    @cached_property
    def distinct(self) -> list[str]:
        """Different values, the first ones first."""
        return list(dict.fromkeys(self.texts))

    @cached_property
    def letters(self) -> float:
        """Mean length of a value, in characters."""
        return sum(map(len, self.texts)) / len(self.texts) if self.texts else 0.0

    @cached_property
    def numbers(self) -> bool:
        """Whether every value is a number."""
        return bool(self.texts) and all(_number(text) is not None for text in self.texts)

    @cached_property
    def whole_numbers(self) -> bool:
        """Whether every value is a whole one."""
        return self.numbers and all((_number(text) or 0.0).is_integer() for text in self.texts)

    @property
    def beside(self) -> bool:
        """Whether its name is that of what stands beside texts and answers: numbers of rows, links, dates."""
        return _BESIDE.search(self.name) is not None

    @property
    def classes(self) -> bool:
        """Whether it may hold classes: few values, each in several rows, and short."""
        most = max(MANY_CLASSES, CLASSES_A_ROW * len(self.texts))
        several = 2 <= len(self.distinct) <= most and 2 * len(self.distinct) <= len(self.texts)
        return several and self.letters <= 40 and not self.lists and (not self.numbers or self.whole_numbers)

    @property
    def codes(self) -> bool:
        """Whether it holds codes: single words of ASCII, hardly any of them twice."""
        single = all(text.isascii() and len(text.split()) == 1 for text in self.texts)
        return single and 2 * len(self.distinct) > len(self.texts)

    @property
    def read(self) -> bool:
        """Whether it may be a text to read."""
        plain = len(self.texts) == len(self.values) > 0 and not self.lists
        return plain and not self.numbers and not self.beside


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
