"""One record as the rest of the system sees it. Knows nothing about files or tokens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """Input fields and an answer.

    Attributes:
        fields: template field -> text, after column mapping and cleaning.
        answer: the label as it stands in the data (numbers as text: `5` -> "5"), or None where unlabelled.
        where: place of origin for messages, e.g. `reviews.jsonl:12`.
    """

    fields: dict[str, str]
    answer: str | None
    where: str
