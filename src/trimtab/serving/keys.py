"""API keys: made, kept as hashes in a file, and looked up. Knows nothing about HTTP.

A key is 256 random bits, so that a plain SHA-256 of it cannot be turned round; it is shown once and kept nowhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trimtab.errors import TrimtabError, did_you_mean
from trimtab.runs.folder import write_whole

Scope = Literal["predict", "manage"]
SCOPES: tuple[Scope, ...] = ("predict", "manage")
PREFIX = "tt-"
_NAME = re.compile(r"[\w.-]{1,64}")


class Key(BaseModel):
    """What is kept of a key.

    Attributes:
        name: whose it is, as logs call it.
        scopes: what it is good for: answers, or changing which tasks there are.
        sha256: of the key.
        made: when, in UTC.
        rate: requests a second; None for what the server says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    scopes: tuple[Scope, ...]
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    made: str
    rate: float | None = Field(None, gt=0)


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal["trimtab-keys-1"] = "trimtab-keys-1"
    keys: list[Key] = []


def read_keys(path: Path) -> list[Key]:
    """The keys of a file.

    Raises:
        TrimtabError: no such file, or it is no file of keys.
    """
    try:
        return _KeyFile.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError:
        raise TrimtabError(
            f"{path}: no such file.", f"Make a key with `trimtab keys add NAME --key-file {path}`."
        ) from None
    except OSError as error:
        raise TrimtabError(f"{path}: cannot be read ({error.strerror}).", "Check the file and its path.") from None
    except ValidationError:
        raise TrimtabError(f"{path}: no file of keys.", "Give a file that `trimtab keys add` wrote.") from None


def add_key(path: Path, name: str, scopes: Collection[Scope], rate: float | None = None) -> str:
    """Make a key, and keep its hash in a file, which is made where there is none.

    Returns:
        The key, which is kept nowhere.

    Raises:
        TrimtabError: the name is taken or none, or the file cannot be read or written.
    """
    if not _NAME.fullmatch(name):
        raise TrimtabError(
            f"'{name}' is no name for a key.", "Take up to 64 letters, digits, dots, underscores and hyphens."
        )
    keys = read_keys(path) if path.exists() else []
    if any(key.name == name for key in keys):
        raise TrimtabError(f"{path}: there is a key named '{name}'.", "Remove it, or choose another name.")
    made = PREFIX + secrets.token_urlsafe(32)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    own = tuple(scope for scope in SCOPES if scope in scopes)
    _write(path, [*keys, Key(name=name, scopes=own, sha256=_hash(made), made=now, rate=rate)])
    return made


def remove_key(path: Path, name: str) -> None:
    """Take a key out of a file. Raises TrimtabError where there is none of that name."""
    keys = read_keys(path)
    if all(key.name != name for key in keys):
        known = [key.name for key in keys]
        hint = did_you_mean(name, known) or f"There are: {', '.join(known) or 'none'}."
        raise TrimtabError(f"{path}: no key named '{name}'.", hint)
    _write(path, [key for key in keys if key.name != name])


def _write(path: Path, keys: list[Key]) -> None:
    with _for_the_owner_alone():
        write_whole(path, _KeyFile(keys=keys).model_dump_json(indent=2) + "\n")


@contextlib.contextmanager
def _for_the_owner_alone() -> Iterator[None]:
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


class Keyring:
    """The keys of a file as it is now: one that is removed is refused from the next request on.

    Args:
        path: the file.

    Raises:
        TrimtabError: it cannot be read, or holds no key.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._stamped()
        self._keys = read_keys(path)
        if not self._keys:
            raise TrimtabError(f"{path}: holds no key.", f"Make one with `trimtab keys add NAME --key-file {path}`.")

    def _stamped(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def find(self, given: str) -> Key | None:
        """The key that is given; None where it is none of them. Takes as long whichever it is."""
        stamp = self._stamped()
        if stamp != self._stamp:
            try:
                self._keys = read_keys(self._path)
            except TrimtabError:  # a file that cannot be read lets nobody in
                self._keys = []
            self._stamp = stamp
        digest, found = _hash(given), None
        for key in self._keys:
            if hmac.compare_digest(key.sha256, digest):
                found = key
        return found
