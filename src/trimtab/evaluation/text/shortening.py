"""Texts cut to a length that can be shown. Knows nothing about where they are shown."""

from __future__ import annotations

LONGEST_TEXT = 400


def shortened(text: str) -> str:
    """Cut a long text, and replace what UTF-8 cannot hold (lone surrogates from broken JSON escapes)."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= LONGEST_TEXT else whole[: LONGEST_TEXT - 1].rstrip() + "…"
