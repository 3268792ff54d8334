"""What a run was trained on, kept as hashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimtab.data.example import Example
from trimtab.data.leakage import Seen
from trimtab.errors import RunError
from trimtab.runs.trained_on import TRAINED_ON_FILE, remember, trained_on


def test_it_is_what_was_remembered_and_holds_no_text(tmp_path: Path) -> None:
    seen = Seen.of([Example({"text": f"secret number {i}"}, None, "r") for i in range(100)])
    remember(tmp_path, seen)
    assert trained_on(tmp_path) == seen
    assert b"secret" not in (tmp_path / TRAINED_ON_FILE).read_bytes()
    remember(tmp_path, Seen.of([]))
    assert trained_on(tmp_path) == Seen(frozenset(), frozenset())


def test_a_run_of_an_older_version_does_not_say(tmp_path: Path) -> None:
    assert trained_on(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / TRAINED_ON_FILE).write_bytes(content)
    with pytest.raises(RunError) as refused:
        trained_on(tmp_path)
    assert str(refused.value).startswith(f"{tmp_path / TRAINED_ON_FILE}: damaged (")
    assert refused.value.hint == "Delete it; rows that the run was trained on are not told then."
