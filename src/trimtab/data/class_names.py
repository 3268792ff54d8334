"""Values of a `datasets` table with classes by name. Knows nothing about where the table is from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def namer(features: Mapping[str, Any] | None) -> Callable[[Mapping[str, object]], dict[str, object]]:
    """What puts the names of classes in place of their numbers, in lists and objects too; -1, which is none, as None.

    Args:
        features: column -> feature, as `datasets` has them; None where they are not known.
    """
    known = dict(features or {})
    return lambda row: {str(column): _named(value, known.get(column)) for column, value in row.items()}


def _named(value: object, feature: Any) -> object:
    names = getattr(feature, "names", None)
    if names is not None and isinstance(value, int):
        return names[value] if value >= 0 else None
    inner = getattr(feature, "feature", None)  # of a list; before datasets 4 a list may be a list of one feature
    if isinstance(feature, list) and len(feature) == 1:
        inner = feature[0]
    if isinstance(value, list) and inner is not None:
        return [_named(item, inner) for item in value]
    if isinstance(value, Mapping):
        fields = inner if isinstance(inner, Mapping) else feature  # a `Sequence` of an object is an object of lists
        of = fields if isinstance(fields, Mapping) else {}
        return {key: _named_each(item, of.get(key)) for key, item in value.items()}
    return value


def _named_each(value: object, feature: Any) -> object:
    """A value of a feature, or, in an object of lists, a list of them."""
    plain = isinstance(value, list) and getattr(feature, "names", None) is not None
    return [_named(item, feature) for item in value] if isinstance(value, list) and plain else _named(value, feature)
