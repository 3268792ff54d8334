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
    """A value with names: of a class, of a list's items, of an object's values."""
    names = getattr(feature, "names", None)
    if names is not None and isinstance(value, int):
        return names[value] if value >= 0 else None
    if isinstance(value, list):
        items = feature[0] if isinstance(feature, list) and feature else getattr(feature, "feature", None)
        return [_named(item, items) for item in value]
    if isinstance(value, Mapping) and isinstance(feature, Mapping):
        return {key: _named(item, feature.get(key)) for key, item in value.items()}
    return value
