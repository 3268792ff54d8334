"""Which terms the user agreed to. Knows nothing about models."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
from pathlib import Path

from trimtab.errors import BackboneError, TrimtabError
from trimtab.sources import cache
from trimtab.sources.catalogue import Terms


def agreed(terms: Terms) -> bool:
    """Say whether the user agreed, by TRIMTAB_AGREE or before."""
    asked = os.environ.get("TRIMTAB_AGREE", "").replace(",", " ").split()
    return terms.name in asked or terms.name in _remembered()


def require_agreement(name: str, terms: Terms, *, agree: bool) -> None:
    """Remember the user's agreement if there is one.

    Args:
        name: what the terms apply to.
        terms: the terms.
        agree: the user agrees now.

    Raises:
        BackboneError: the user has not agreed.
    """
    if not (agree or agreed(terms)):
        raise BackboneError(
            f"{name} may only be used under the {terms.title}, which you have not agreed to yet.",
            f"Read them at {terms.url}; to agree, run `trimtab models {name} --agree` "
            f"or set TRIMTAB_AGREE={terms.name}.",
        )
    remembered = _remembered()
    if terms.name in remembered:
        return
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    # In a cache that cannot be written to the agreement holds for this time.
    with contextlib.suppress(TrimtabError), cache.exclusive(cache.cache_folder() / "agreements", None):
        cache.write_json(_file(), {**remembered, terms.name: {"title": terms.title, "url": terms.url, "date": today}})


def _file() -> Path:
    return cache.cache_folder() / "agreements" / "agreed.json"


def _remembered() -> dict[str, object]:
    try:
        content = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
