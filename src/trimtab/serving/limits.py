"""How much a server takes on. Knows nothing about how limits are kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of requests.

    Attributes:
        body: bytes of a request.
        upload: bytes of a run that is uploaded.
        body_seconds: how long the bytes of a request may take to come.
        rows: rows, or tasks, of one request.
        texts: answers to one request in free text (`n`).
        tokens: tokens of all its answers in free text together.
        waiting: rows that may wait for one backbone; more are refused.
        seconds: until a row is given up.
        rate: requests a second of each key that has no rate of its own; None for any number.
    """

    body: int = 8 << 20
    upload: int = 256 << 20
    body_seconds: float = 30.0
    rows: int = 512
    texts: int = 16
    tokens: int = 8192
    waiting: int = 1024
    seconds: float = 60.0
    rate: float | None = None
