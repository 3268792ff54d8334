"""The folder of fetched files: records that count, locks, space, checksums."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections import namedtuple
from pathlib import Path

import pytest

from package_index import WHOLE, know, one_file_model
from trimtab.errors import TrimtabError
from trimtab.sources import cache as fetched
from trimtab.sources import cache_folder, find_model
from trimtab.sources.cache import RECORD, Record, StoredFile


def message_of(name: str) -> str:
    with pytest.raises(TrimtabError) as caught:
        find_model(name)
    return str(caught.value)


def test_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIMTAB_CACHE", "/a/b")
    assert cache_folder() == Path("/a/b")
    monkeypatch.delenv("TRIMTAB_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert cache_folder() == Path("/c/trimtab")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache/trimtab"


def test_waiting_for_another_process_is_reported(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    know(monkeypatch, one_file_model(index))
    (cache / "models").mkdir(parents=True)
    lock = FileLock(cache / "models/tiny.lock")
    lock.acquire()
    seen: list[str] = []

    def progress(what: str, _done: int, _total: int | None) -> None:
        seen.append(what)
        lock.release()

    find_model("tiny", progress=progress)
    assert seen[0] == "tiny (waiting for another process that is fetching it)"


def test_no_space(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = one_file_model(index)
    know(monkeypatch, model)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 10**6 - 20_000, 20_000))
    needed = len(WHOLE) + 2 * next(index.iterdir()).stat().st_size
    assert message_of("tiny") == (
        f"tiny.gguf needs {needed:,} bytes of free space in {cache}/models/tiny, which has 20,000. "
        "Free some space, or set TRIMTAB_CACHE to a folder on a larger disk."
    )


def test_disk_full_in_the_middle(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, one_file_model(index))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert message_of("tiny") == (
            f"{cache}/models/tiny: the disk is full. "
            "Free some space, or set TRIMTAB_CACHE to a folder on a larger disk."
        )
    assert find_model("tiny").path.read_bytes() == WHOLE


def test_cache_that_cannot_be_written_to(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write_text("a file where the folder should be")
    assert message_of("pypi:other==1.0") == (
        f"{cache}/models/pypi--other--1.0: cannot write to the cache (Not a directory). "
        "Set TRIMTAB_CACHE to a folder that you may write to."
    )


def test_relative_cache_folder(cache: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, one_file_model(index))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIMTAB_CACHE", "here")
    assert find_model("tiny").path == tmp_path / "here/models/tiny/tiny.gguf"


ABC = StoredFile(3, hashlib.sha256(b"abc").hexdigest())


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A folder that was fetched to its end."""
    (tmp_path / "a.txt").write_bytes(b"abc")
    fetched.write_record(tmp_path, "a name", "pypi:a==1", "MIT", {"a.txt": ABC})
    return tmp_path


def test_a_record_comes_back(whole: Path) -> None:
    record = fetched.read_record(whole)
    assert record == Record("a name", "pypi:a==1", "MIT", time.strftime("%Y-%m-%d", time.gmtime()), {"a.txt": ABC})
    fetched.verify(whole, record)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"files": {}}', '{"files": {"a.txt": {"size": 3}}}'])
def test_folders_without_a_whole_record_hold_nothing(whole: Path, content: str) -> None:
    (whole / RECORD).write_text(content)
    assert fetched.read_record(whole) is None
    (whole / RECORD).unlink()
    assert fetched.read_record(whole) is None


@pytest.mark.parametrize("content", [b"", b"abcd", None])
def test_a_file_of_another_size_or_none_does_not_count(whole: Path, content: bytes | None) -> None:
    (whole / "a.txt").unlink()
    if content is not None:
        (whole / "a.txt").write_bytes(content)
    assert fetched.read_record(whole) is None


def test_a_changed_byte_is_found_and_the_folder_counts_no_more(whole: Path) -> None:
    (whole / "a.txt").write_bytes(b"abd")
    record = fetched.read_record(whole)  # the size is the same
    assert record
    with pytest.raises(TrimtabError) as caught:
        fetched.verify(whole, record)
    assert str(caught.value) == (
        f"{whole / 'a.txt'}: its SHA-256 is {hashlib.sha256(b'abd').hexdigest()}, expected {ABC.sha256}. "
        "It was damaged after it was fetched; the next use fetches it anew."
    )
    assert fetched.read_record(whole) is None


def test_json_is_there_in_full_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    fetched.write_json(path, {"好": 1})
    assert json.loads(path.read_text(encoding="utf-8")) == {"好": 1}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        fetched.write_json(path, {"other": 2})
    assert json.loads(path.read_text(encoding="utf-8")) == {"好": 1}


def test_a_folder_is_held_by_one_and_cleared_of_what_was_left(tmp_path: Path) -> None:
    from filelock import FileLock, Timeout

    folder = tmp_path / "models" / "a"
    folder.mkdir(parents=True)
    (folder / "fetch-x").mkdir()
    (folder / "fetch-x" / "half").write_text("x")
    (folder / "fetch-a.json").write_text("{")
    (folder / "kept").write_text("x")
    with fetched.exclusive(folder, None):
        assert [path.name for path in folder.iterdir()] == ["kept"]
        with pytest.raises(Timeout):
            FileLock(tmp_path / "models" / "a.lock").acquire(timeout=0)
        with fetched.staging(folder) as staging:
            assert staging.name.startswith("fetch-")
            (staging / "x").write_text("x")
        assert not staging.exists()
    with FileLock(tmp_path / "models" / "a.lock").acquire(timeout=0):
        pass


def test_bytes_count_with_what_links_point_to(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"x" * 7)
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_bytes(b"x" * 5)
    (folder / "deep" / "b").write_bytes(b"x" * 3)
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "broken").symlink_to(tmp_path / "none")
    assert fetched.bytes_in(folder) == 15
    assert fetched.bytes_in(tmp_path / "none") == 0


@pytest.mark.parametrize(("total", "told"), [(10, 10), (None, 4)])
def test_growth_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int | None, told: int) -> None:
    monkeypatch.setattr(fetched, "_POLL_SECONDS", 0.001)
    (tmp_path / "before").write_bytes(b"x" * 100)
    seen: list[tuple[str, int, int | None]] = []
    with fetched.watch(tmp_path, "a model", total, lambda *step: seen.append(step)):
        (tmp_path / "a").write_bytes(b"x" * 4)
        until = time.monotonic() + 30
        while ("a model", 4, total) not in seen:
            assert time.monotonic() < until, seen
            time.sleep(0.001)
    assert seen[-1] == ("a model", told, total)
    with fetched.watch(tmp_path, "a model", total, None):
        pass


@pytest.mark.parametrize(
    ("value", "off"),
    [("1", True), ("TRUE", True), (" yes ", True), ("on", True), ("0", False), ("", False), ("no", False)],
)
def test_the_network_is_off_where_that_is_said(monkeypatch: pytest.MonkeyPatch, value: str, off: bool) -> None:
    monkeypatch.delenv("A", raising=False)
    assert not fetched.offline_asked("A", "B")
    monkeypatch.setenv("B", value)
    assert fetched.offline_asked("A", "B") is off


def test_space_is_looked_for_where_the_folder_would_be(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    free = shutil.disk_usage(tmp_path).free
    fetched.require_space(folder, free // 2, "a model")
    with pytest.raises(TrimtabError) as caught:
        fetched.require_space(folder, 10**18, "a model")
    assert str(caught.value).startswith(
        f"a model needs 1,000,000,000,000,000,000 bytes of free space in {folder}, which"
    )
    assert not (tmp_path / "not").exists()
