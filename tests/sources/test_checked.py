"""Files are hashed when they are first used, and again once they were written to."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from trimtab.sources.checked import known_sha256, sha256_over


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name * 1000)
    return [tmp_path / "a", tmp_path / "b"]


def test_over_several_files(files: list[Path], tmp_path: Path) -> None:
    seen = []
    whole = sha256_over(files, tmp_path / "cache", lambda *step: seen.append(step))
    assert whole == hashlib.sha256(b"a" * 1000 + b"b" * 1000).hexdigest()
    assert [step[1:] for step in seen] == [(1000, 2000), (2000, 2000)]
    assert known_sha256(files[0], tmp_path / "cache") == ""
    first = sha256_over(files[:1], tmp_path / "cache")
    assert known_sha256(files[0], tmp_path / "cache") == first == hashlib.sha256(b"a" * 1000).hexdigest()
    files[0].write_text("c" * 1001)
    assert known_sha256(files[0], tmp_path / "cache") == ""


def test_what_is_remembered_is_as_readable_as_the_umask_has_it(
    files: list[Path], tmp_path: Path, umask_of_a_group: None
) -> None:
    sha256_over(files, tmp_path / "cache")
    [kept] = (tmp_path / "cache" / "hashes").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o664


def test_a_damaged_memory_is_not_believed(files: list[Path], tmp_path: Path) -> None:
    whole = sha256_over(files, tmp_path / "cache")
    [kept] = (tmp_path / "cache" / "hashes").iterdir()
    for damaged in (b"", bytes(kept.read_bytes())[:40], b"0" + kept.read_bytes()[1:], b"\xff", whole.encode()):
        kept.write_bytes(damaged)
        assert sha256_over(files, tmp_path / "cache") == whole
        assert kept.read_text().startswith(f"{whole} ")


def test_where_nothing_can_be_remembered_files_are_hashed_again(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert sha256_over(files, tmp_path / "cache") == sha256_over(files, tmp_path / "cache")
