"""Files held against checksums when they are first used. Knows nothing about what is in them.

A hash is remembered under path, size and time of change: a file is hashed when it is first used, and again once it was
written to. A bit that flips on the disk later changes none of these: `trimtab models NAME --verify` hashes anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from trimtab.sources import cache

_BLOCK = 1 << 22


def sha256_over(files: Sequence[Path], memory: Path, progress: cache.Progress | None = None) -> str:
    """SHA-256 over the bytes of files, one after another.

    Args:
        files: in order; of one file it is the file's own.
        memory: the cache, in which it is remembered; where that cannot be written to, files are hashed at every call.
        progress: told how far it is.
    """
    stamp = _stamp(files)
    if known := _remembered(stamp, memory):
        return known
    total, done, digest = sum(path.stat().st_size for path in files), 0, hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
                done += len(block)
                if progress:
                    progress("hashing the backbone", done, total)
    found = digest.hexdigest()
    with contextlib.suppress(OSError):
        _place(stamp, memory).parent.mkdir(parents=True, exist_ok=True)
        cache.write_shared(_place(stamp, memory), f"{found} {_check(stamp, found)}")
    return found


def known_sha256(file: Path, memory: Path) -> str:
    """What `sha256_over` remembers of a file as it is now, or "": nothing is hashed."""
    try:
        return _remembered(_stamp([file]), memory)
    except OSError:
        return ""


def is_whole(folder: Path, memory: Path, progress: cache.Progress | None = None) -> bool:
    """Whether all that the record of a folder names is there and as it was written."""
    record = cache.read_record(folder)
    return record is not None and all(
        sha256_over([folder / name], memory, progress) == file.sha256 for name, file in record.files.items()
    )


def hash_here(path: Path) -> str:
    """SHA-256 of a file, remembered in the cache of this user."""
    return sha256_over([path], cache.cache_folder())


def _stamp(files: Sequence[Path]) -> str:
    stats = [(path.resolve(), path.stat()) for path in files]
    return json.dumps([[str(path), stat.st_size, stat.st_mtime_ns] for path, stat in stats])


def _place(stamp: str, memory: Path) -> Path:
    return memory / "hashes" / hashlib.sha256(stamp.encode()).hexdigest()[:32]


def _remembered(stamp: str, memory: Path) -> str:
    """A hash that was remembered whole, or ""."""
    try:
        found, _, check = _place(stamp, memory).read_text(encoding="utf-8").partition(" ")
    except (OSError, ValueError):
        return ""
    return found if check == _check(stamp, found) else ""


def _check(stamp: str, found: str) -> str:
    return hashlib.sha256(f"{stamp} {found}".encode()).hexdigest()[:16]
