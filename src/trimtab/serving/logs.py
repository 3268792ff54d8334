"""Log records as JSON, a line each. Knows nothing about what is logged."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

LOG = logging.getLogger("trimtab.serving")


class JsonLines(logging.Formatter):
    """A record as one line of ASCII: time, level, message, and what is in `extra={"facts": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {"time": when, "level": record.levelname.lower(), "event": record.getMessage()}
        facts = getattr(record, "facts", {})
        if record.exc_info:
            facts = {**facts, "error": self.formatException(record.exc_info)}
        return json.dumps({**told, **facts}, default=str)


@contextmanager
def log_to(stream: TextIO, level: str = "INFO") -> Iterator[None]:
    """Write what this package and uvicorn have to say to a stream, as JSON, for a while."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    loggers = {logging.getLogger(name): least for name, least in (("trimtab", level), ("uvicorn", "WARNING"))}
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    for logger, least in loggers.items():
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(least)
    try:
        yield
    finally:
        for logger, (handlers, propagate, own) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(own)


def say(event: str, *, level: int = logging.INFO, **facts: object) -> None:
    """Log an event with its facts."""
    LOG.log(level, event, extra={"facts": facts})
