"""Signals that stop a job as Ctrl-C does. Knows nothing about jobs."""

from __future__ import annotations

import signal

# A machine that shuts down, a terminal that closes; SIGHUP is not on all systems.
STOPS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
