"""What a run was trained on, kept as hashes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

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


def test_a_flipped_bit_is_told(tmp_path: Path) -> None:
    """A hash that is another would let a row that was trained on be scored."""
    seen = Seen.of([Example({"text": f"number {i}"}, None, "r") for i in range(3)])
    remember(tmp_path, seen)
    path = tmp_path / TRAINED_ON_FILE
    content = path.read_bytes()
    told = 0
    for bit in range(0, 8 * len(content), 7):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            assert trained_on(tmp_path) == seen
        except RunError:
            told += 1
    assert told > len(content) / 2


def test_a_file_without_a_checksum_is_one_of_before(tmp_path: Path) -> None:
    save_file({name: np.array([1, 2]) for name in ("exact", "alike")}, tmp_path / TRAINED_ON_FILE)
    assert trained_on(tmp_path) == Seen(frozenset({1, 2}), frozenset({1, 2}))
