"""When two examples count as the same text. Knows nothing about splits or reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from trimtab.data.example import Example


def text_key(example: Example) -> str:
    """Return the text of fields and options, white space collapsed and case folded; "" where every one is blank."""
    given = [*(text for _, text in sorted(example.fields.items())), *example.options]
    texts = [" ".join(text.split()).casefold() for text in given]
    return "\x1f".join(texts) if any(texts) else ""


def group_by_text(examples: Sequence[Example]) -> dict[str, list[int]]:
    """Return text key -> positions in `examples`, both in order of first appearance."""
    groups: dict[str, list[int]] = defaultdict(list)
    for position, example in enumerate(examples):
        groups[text_key(example)].append(position)
    return dict(groups)
