"""Runs a program that nobody has read with the tests it is to pass. Knows nothing about who wrote it.

How it is held: docs/text-metrics.md, "Programs". Linux alone. The machine is protected from the program; the result is
not, from a program made to deceive: it runs in one process with its tests.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from trimtab.errors import TrimtabError
from trimtab.sandbox.limits import Limits

Isolation = Literal["full", "limits"]
Result = Literal["passed", "failed", "timed out", "memory", "forbidden"]

# Beyond the program's own time, for making the box and taking it down.
GRACE_SECONDS = 20.0
# What a system call ends with where the box or a limit has refused it.
REFUSED = frozenset(
    (errno.EPERM, errno.EACCES, errno.EROFS, errno.EFBIG, errno.ENOSPC, errno.EMFILE, errno.EAGAIN)
)  # fmt: skip

_SOURCES = Path(__file__).resolve().parents[2]
_SUPERVISOR = "import sys; sys.path.insert(0, {!r}); from trimtab.sandbox.supervisor import main; main()"


@dataclass(frozen=True)
class Outcome:
    """What became of a program.

    Attributes:
        result: `passed` where program and tests ran to their end; `forbidden` where a system call that was refused, by
            the box or a limit, ended it; `memory` where there was not enough; `failed` for everything else.
        error: the exception's type, or the signal that ended it, e.g. `AssertionError`; "" where it passed.
        line: the last line of the exception's text, shortened.
        stdout, stderr: the first `Limits.output_bytes` of each.
        seconds: of wall-clock time that the program ran.
        isolation: what it was held by: `namespaces`, `seccomp`, `limits`.
    """

    result: Result
    error: str
    line: str
    stdout: str
    stderr: str
    seconds: float
    isolation: tuple[str, ...]


def run_program(
    program: str, tests: str = "", *, limits: Limits | None = None, isolation: Isolation = "full"
) -> Outcome:
    """Run a Python program, then its tests in the same module, in a process held apart from everything else.

    With `full` isolation it has processes, network, mounts and users of its own: it sees the system's programs and this
    Python with its packages, all read-only, and writes to one folder in memory, which is gone afterwards. System calls
    that it has no business with are refused, sockets among them. `limits` alone leaves it all files that its user may
    read or write: only for a machine on which nothing can be lost.

    Args:
        program: its text.
        tests: statements that raise where the program is wrong, such as asserts. They must not exit.
        limits: what it may use; `Limits()` by default.
        isolation: `full`, or `limits` where the machine has no namespaces.

    Raises:
        TrimtabError: the machine cannot isolate programs as was asked; the program was then not run.
    """
    limits = limits or Limits()
    if not sys.platform.startswith("linux"):
        raise TrimtabError(f"Programs cannot be isolated on {sys.platform}.", "Run them on Linux, or in a container.")
    with _folder(isolation) as folder:
        job = {
            "program": program,
            "tests": tests,
            "limits": dataclasses.asdict(limits),
            "isolation": isolation,
            "folder": folder,
            "python": os.path.realpath(sys.executable),
            "packages": _packages(),
            "readable": [os.path.realpath(path) for path in (sys.base_prefix, sys.base_exec_prefix, *_packages())],
        }
        said, stdout, stderr = _supervised(job, limits)
    if said["end"] == "refused":
        raise _refused(str(said["why"]), isolation)
    return _outcome(said, stdout, stderr)


@contextlib.contextmanager
def _folder(isolation: Isolation) -> Iterator[str]:
    """A folder for the program to write to, removed afterwards; "" where it gets one in memory."""
    if isolation == "full":
        yield ""
        return
    folder = tempfile.mkdtemp(prefix="trimtab-program-")
    try:
        if os.getuid() == 0:
            from trimtab.sandbox.namespaces import NOBODY

            os.chown(folder, NOBODY, NOBODY)
        yield folder
    finally:
        for path, folders, _ in os.walk(folder):  # a program may have locked us out of folders of its own
            for name in folders:
                if not (Path(path) / name).is_symlink():
                    (Path(path) / name).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def _packages() -> list[str]:
    paths = (os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib"))
    return list(dict.fromkeys(paths))


def _supervised(job: dict[str, Any], limits: Limits) -> tuple[dict[str, Any], str, str]:
    """Start the supervisor, give it the job, and return what it tells and the heads of the program's output."""
    told, tell = os.pipe()
    command = [sys.executable, "-I", "-S", "-c", _SUPERVISOR.format(str(_SOURCES)), str(tell)]
    supervisor = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}, cwd="/",
        pass_fds=[tell], start_new_session=True,
    )  # fmt: skip
    os.close(tell)
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    assert supervisor.stderr is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            supervisor.stdin.write(json.dumps(job).encode("ascii") + b"\n")
            supervisor.stdin.flush()
        with os.fdopen(told, "rb") as report:
            most = {supervisor.stdout: limits.output_bytes, supervisor.stderr: limits.output_bytes, report: 1 << 20}
            heads = _heads(most, time.monotonic() + limits.seconds + GRACE_SECONDS)
            stdout, stderr = (heads[pipe].decode("utf-8", "replace") for pipe in (supervisor.stdout, supervisor.stderr))
            said: dict[str, Any] = json.loads(heads[report] or b"{}")
    finally:
        # Whatever is still there is of its session, or dies with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(supervisor.pid, signal.SIGKILL)
        supervisor.wait()
        for end in (supervisor.stdin, supervisor.stdout, supervisor.stderr):
            with contextlib.suppress(OSError):
                end.close()
    if not said:
        said = {"end": "refused", "why": f"the supervisor ended by itself ({stderr.strip()[-300:] or 'killed'})"}
    return said, stdout, stderr


def _heads(most: dict[IO[bytes], int], deadline: float) -> dict[IO[bytes], bytes]:
    """Read pipes to their ends, or until the deadline; return the first bytes of each, as many as are wanted."""
    heads = dict.fromkeys(most, b"")
    with selectors.DefaultSelector() as selector:
        for pipe in most:
            selector.register(pipe, selectors.EVENT_READ, pipe)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                part = os.read(key.fd, 1 << 16)
                if not part:
                    selector.unregister(key.fileobj)
                heads[key.data] += part[: most[key.data] - len(heads[key.data])]
    return heads


def _refused(why: str, isolation: Isolation) -> TrimtabError:
    if isolation == "limits":
        return TrimtabError(f"This machine cannot hold programs to limits: {why}.", "The program was not run.")
    return TrimtabError(
        f"This machine cannot isolate programs: {why}. The program was not run.",
        "Allow user namespaces, to this user or in the container's settings. On a machine where nothing can be lost, "
        "`isolation: limits` runs programs with limits alone.",
    )


def _outcome(said: dict[str, Any], stdout: str, stderr: str) -> Outcome:
    result, error, line = _judged(said)
    return Outcome(result, error, line, stdout, stderr, float(said["seconds"]), tuple(said["isolation"]))


def _judged(said: dict[str, Any]) -> tuple[Result, str, str]:
    """Return result, error and last line from what the supervisor tells and the driver has reported to it."""
    if said["end"] in ("timed out", "memory"):
        return said["end"], "", ""
    code = os.waitstatus_to_exitcode(said["status"]) if said["status"] is not None else -signal.SIGKILL
    with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):
        report = json.loads(said["report"].splitlines()[0])
        error, line, number = str(report["error"]), str(report["line"]), int(report["errno"])
        if not error and code == 0:
            return "passed", "", ""
        if error:
            result: Result = "memory" if error == "MemoryError" else "forbidden" if number in REFUSED else "failed"
            return result, error, line
    if code >= 0:
        return "failed", f"exit {code}", "The program left before its tests had ended."
    name = signal.Signals(-code).name
    if name == "SIGXCPU" or (name == "SIGKILL" and said["seconds"] >= said["cpu_seconds"]):
        return "timed out", "", ""
    return "forbidden" if name == "SIGSYS" else "failed", name, ""
