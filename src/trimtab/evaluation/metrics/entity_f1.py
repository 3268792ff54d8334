"""Lists of typed entities in texts, right ones counted. Knows nothing about resampling.

A text is a JSON list of `{"type": ..., "text": ...}`, or entries `TYPE: text`, one a line or between semicolons.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from trimtab.evaluation.metrics.metric import Metric, MetricResult, f1_of_sums, result_of_sums

Entities = Counter[tuple[str, str]]

_BETWEEN = re.compile(r"[;；\n]")
_NONE = ("", "none", "[]", "无", "没有")


def entity_f1(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> MetricResult:
    """Return micro F1 of the entities that N texts list: precision and recall are over all of them.

    Each counts as often as it stands there. Type and text must both be right. Of several references, that of the best
    F1 counts. Where there is no entity anywhere, F1 is 1.

    Returns:
        sums: right entities, entities given, entities that are right to give.
    """
    sums_N3 = np.array(
        [_best_counts(entities(text), row) for text, row in zip(predictions, references, strict=True)],
        dtype=np.float64,
    )
    metric = Metric("entity F1", "entities whose type and text are those of the reference, F1")
    signature = "average:micro|match:exact"
    return result_of_sums(metric, sums_N3, f1_of_sums, per_row=f1_of_sums(sums_N3), signature=signature)


def entities(text: str) -> Entities:
    """Return how often the text lists each (type, text); types in lower case, spaces made one.

    What is not of this form counts as an entity without a type, which is never right. "none", "无" and nothing are no
    entities.
    """
    listed = _from_json(text)
    if listed is None:
        entries = (_spaced(entry) for entry in _BETWEEN.split(text))
        listed = [_entry(entry) for entry in entries if entry.lower() not in _NONE]
    return Counter(listed)


def _from_json(text: str) -> list[tuple[str, str]] | None:
    """Return the entities of a JSON list of objects that have a type and a text, else None."""
    if not text.lstrip().startswith("["):
        return None
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(one, dict) and {"type", "text"} <= set(one) for one in found):
        return None
    return [(_spaced(str(one["type"])).lower(), _spaced(str(one["text"]))) for one in found]


def _entry(entry: str) -> tuple[str, str]:
    kind, _, text = entry.replace("：", ":", 1).partition(":") if _colon(entry) else ("", "", entry)
    return kind.strip().lower(), text.strip()


def _colon(entry: str) -> bool:
    return ":" in entry or "：" in entry


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _best_counts(given: Entities, row: Sequence[str]) -> tuple[int, int, int]:
    """Return (right, given, in the reference) for the reference that gives the best F1, the first of equals."""
    counts = [((given & right).total(), given.total(), right.total()) for right in (entities(text) for text in row)]
    return max(counts, key=lambda count: (count[0] / max(count[1] + count[2], 1), -count[2]))
