"""Fixtures of the tests of data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Write a file into an empty folder; return the folder."""

    def write_file(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path

    return write_file
