"""Where conversions of GGUF files are kept, and which are a file's. Knows nothing about how one is made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trimtab.sources import cache, checked


def conversion_place(file: Path, digest: str, kept_in: Path) -> Path:
    """The folder of a file's conversion.

    Args:
        file: the GGUF file.
        digest: SHA-256 of it.
        kept_in: the cache.
    """
    return _folder(kept_in) / f"{file.stem}-{digest[:16]}"


@contextmanager
def held(conversion: Path) -> Iterator[None]:
    """Hold the folder of a conversion, whether it is there or not, for this process alone."""
    from filelock import FileLock

    conversion.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{conversion}.lock"):
        yield


def conversions_of(file: Path) -> list[Path]:
    """The conversions of a GGUF file in the cache, of it as it is and as it was; nothing is hashed for it."""
    kept_in = cache.cache_folder()
    fetched = cache.read_record(file.parent)
    recorded = fetched.files.get(file.name) if fetched else None
    digests = {checked.known_sha256(file, kept_in), recorded.sha256 if recorded else ""} - {""}
    found = {conversion_place(file, digest, kept_in) for digest in digests}
    for record in _folder(kept_in).glob(f"*/{cache.RECORD}"):
        known = cache.read_record(record.parent)
        if known and known.origin == str(file.resolve()):
            found.add(record.parent)
    return sorted(folder for folder in found if folder.is_dir())


def remove_conversions(file: Path) -> int:
    """Remove the conversions of a GGUF file; returns the bytes freed."""
    freed = 0
    for folder in conversions_of(file):
        with held(folder):
            freed += cache.bytes_in(folder)
            (folder / cache.RECORD).unlink(missing_ok=True)  # first, so that no half is taken for a whole
            shutil.rmtree(folder, ignore_errors=True)
    return freed


def _folder(kept_in: Path) -> Path:
    return kept_in / "converted"
