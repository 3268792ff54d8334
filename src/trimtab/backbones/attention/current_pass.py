"""The pass that a replaced attention function finds itself in. Knows nothing about what a pass is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_current: ContextVar[Any] = ContextVar("trimtab_pass", default=None)


def current_pass() -> Any:
    """The pass that is running."""
    now = _current.get()
    assert now is not None, "the attention of a backbone runs inside its own forward only"
    return now


@contextmanager
def running(now: object) -> Iterator[None]:
    """Make this the pass that attention functions find themselves in."""
    token = _current.set(now)
    try:
        yield
    finally:
        _current.reset(token)
