"""What precision backbones are opened in, in tests of verbs."""

from __future__ import annotations

from typing import Any

import pytest

from trimtab.backbones import open as opening


def opened_in(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows by the precision of each backbone that is loaded from now on."""
    used: list[str] = []
    load = opening.load

    def noted(*given: Any, precision: str, **named: Any) -> Any:
        found = load(*given, precision=precision, **named)
        used.append(str(found.backbone.dtype).removeprefix("torch."))
        return found

    monkeypatch.setattr(opening, "load", noted)
    return used
