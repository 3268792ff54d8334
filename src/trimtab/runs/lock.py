"""A folder held for one process: two would destroy each other's work. Knows nothing of what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trimtab.errors import RunError
from trimtab.runs.folder import LOCK_FILE, make_folder


@contextmanager
def held(folder: Path, doing: str) -> Iterator[None]:
    """Hold a folder, made where there is none, while the body runs; what a killed process held is free.

    Folders that were made for this and are still empty at the end are removed again.

    Args:
        folder: the folder.
        doing: what whoever holds it is at, in words: `tuning`.

    Raises:
        RunError: another process holds it, or it cannot be written.
    """
    from filelock import FileLock, Timeout

    made = [place for place in (folder, *folder.parents) if not place.exists()]
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder}: a file, not a folder.", "Choose another folder with --out.")
    make_folder(folder)
    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(
            f"{folder}: another process is {doing} there.", "Wait for it to end, or choose another folder with --out."
        ) from None
    except NotImplementedError:  # a file system without locks
        yield
        return
    except OSError as error:
        raise RunError(
            f"{folder}: cannot be written ({error.strerror}).", "Choose another folder with --out."
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):  # the folder may be gone by now
            (folder / LOCK_FILE).unlink()
            for place in made:
                place.rmdir()  # unless something is in it
        lock.release()
