"""Makes the box, starts a program in it and watches it: a process of its own. Knows nothing about outcomes.

It reads its job, a line of JSON, from standard input, and keeps that open: when the other end is closed, because who
asked is dead, all that runs here is killed. What happened is told in JSON on the descriptor that its argument names.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import re
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from trimtab.sandbox import kernel, namespaces, seccomp

POLL_SECONDS = 0.01
MEMORY_POLL_SECONDS = 0.05
MOST_REPORTED = 64 * 1024
JOB, REPORT = 3, 4
LIFELINE = 0
# From Linux 5.14 on the processes of a user namespace are counted by themselves.
COUNTED_APART = (5, 14)

Job = dict[str, Any]


def main() -> None:
    """Do the job. Exits with 0 if what happened could be said."""
    told = int(sys.argv[1])
    os.set_inheritable(told, False)
    job = _read_job()
    driver = Path(__file__).with_name("driver.py").read_text(encoding="utf-8")
    try:
        said = _isolated(job, driver) if job["isolation"] == "full" else _limited(job, driver)
    except OSError as error:
        said = {"end": "refused", "why": _why(error)}
    if said is not None:
        os.write(told, json.dumps(said).encode())
    os._exit(0)


def _read_job() -> Job:
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(LIFELINE, 1 << 20)
        if not part:
            os._exit(1)
        line += part
    job: Job = json.loads(line)
    return job


def _isolated(job: Job, driver: str) -> dict[str, object] | None:
    """Run the program in namespaces of its own; None in the process that stays outside, which waits for the other."""
    if not seccomp.is_available():
        raise OSError(0, f"seccomp: not in this kernel, or no filter for {os.uname().machine}")
    counted_apart = _kernel() >= COUNTED_APART
    # Supervisors are counted with their user's processes; user 0 has become another one for the program.
    others = (0 if os.getuid() == 0 else 2) if counted_apart else _tasks_of(namespaces.user_of_program())
    namespaces.enter()
    first = os.fork()
    if first:
        os.waitpid(first, 0)
        return None
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    namespaces.make_root(job["readable"], job["limits"]["folder_bytes"])
    os.chdir(namespaces.FOLDER)
    # The program, whose user may be the same, can then neither trace nor read this process.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    return _watched(job, driver, others, apart=True)


def _limited(job: Job, driver: str) -> dict[str, object]:
    """Run the program with limits alone, in the folder of the job."""
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    os.chdir(job["folder"])
    return _watched(job, driver, _tasks_of(namespaces.user_of_program()), apart=False)


def _watched(job: Job, driver: str, others: int, *, apart: bool) -> dict[str, object]:
    """Start the program, wait for its end or put an end to it, and to all that it has started."""
    limits = job["limits"]
    report, tell = os.pipe()
    os.set_blocking(report, False)
    given = os.memfd_create("job")
    with os.fdopen(given, "w", encoding="utf-8", closefd=False) as file:
        json.dump({name: job[name] for name in ("program", "tests", "packages")}, file)
    os.lseek(given, 0, os.SEEK_SET)
    token = os.urandom(16).hex()  # known only until the program has taken over
    begun = time.monotonic()
    program = os.fork()
    if program == 0:
        try:
            if apart:
                os.setsid()
            _arrange_descriptors(given, tell)
            _become_program(job, driver, others)
        except OSError as error:
            os.write(REPORT, json.dumps({"token": token, "why": _why(error)}).encode())
        finally:
            os._exit(127)
    os.close(tell)
    os.close(given)
    end, status = _end_of(program, begun + limits["seconds"], limits["memory"])
    seconds = time.monotonic() - begun
    _kill_all(everyone=apart)
    said = b""
    with contextlib.suppress(BlockingIOError):
        said = os.read(report, MOST_REPORTED)
    if token.encode() in said:
        raise OSError(0, json.loads(said)["why"])
    return {
        "end": end,
        "status": status,
        "seconds": seconds,
        "cpu_seconds": limits["cpu_seconds"],
        "report": said.decode("utf-8", "replace"),
        "isolation": ["namespaces"] * apart + ["seccomp"] * seccomp.is_available() + ["limits"],
    }


def _end_of(program: int, deadline: float, most_memory: int) -> tuple[str, int | None]:
    """Wait until the program ends, has to be ended, or nobody waits for it any more; its status if it has ended."""
    look_at_memory = 0.0
    while (now := time.monotonic()) < deadline:
        if now >= look_at_memory:
            if _resident() > most_memory:
                return "memory", None
            look_at_memory = now + MEMORY_POLL_SECONDS
        if select.select([LIFELINE], [], [], min(POLL_SECONDS, deadline - now))[0]:
            return "given up", None
        status = _reaped(program)
        if status is not None:
            return "exited", status
    return "timed out", None


def _arrange_descriptors(given: int, tell: int) -> None:
    """Leave the program an empty input, its output, what it is given at `JOB`, and `REPORT`; close all else."""
    nothing = os.open("/dev/null", os.O_RDONLY)
    # First out of the way of the numbers they get.
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, REPORT + 1) for descriptor in (nothing, given, tell)]
    for descriptor, number in zip(high, (0, JOB, REPORT), strict=True):
        os.dup2(descriptor, number)
    os.closerange(REPORT + 1, os.sysconf("SC_OPEN_MAX"))


def _become_program(job: Job, driver: str, others: int) -> None:
    """Take on the limits and run the driver; does not return."""
    os.umask(0o077)
    limits = job["limits"]
    cpu = math.ceil(limits["cpu_seconds"])
    _limit(resource.RLIMIT_CPU, cpu, cpu + 1)
    for which, most in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        _limit(which, most, most)
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(namespaces.NOBODY, namespaces.NOBODY, namespaces.NOBODY)
        os.setresuid(namespaces.NOBODY, namespaces.NOBODY, namespaces.NOBODY)
    _limit(resource.RLIMIT_NPROC, others + limits["processes"], others + limits["processes"])
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.drop_capabilities()
    if seccomp.is_available():
        seccomp.install()
    folder = str(Path.cwd())
    environment = {"HOME": folder, "TMPDIR": folder, "PATH": "/usr/bin:/bin"}
    python = job["python"]
    os.execve(python, [python, "-I", "-B", "-X", "utf8", "-c", driver], environment)


def _limit(which: int, soft: int, hard: int) -> None:
    """Set a limit, or leave the lower one that there is already."""
    most = resource.getrlimit(which)[1]
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(which, (soft, hard))


def _why(error: OSError) -> str:
    """What failed, with the file where there is one; our own system calls name themselves."""
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)


def _reaped(program: int) -> int | None:
    """Reap what has ended; the status of the program if it is among that."""
    status = None
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == program:
                status = found[1]
    return status


def _kill_all(*, everyone: bool) -> None:
    """Kill all that descends from this process, which is `everyone` in its namespace, and wait until nothing does."""
    while True:
        for process in [-1] if everyone else _descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(POLL_SECONDS / 10)


def _descendants() -> list[int]:
    """The processes that descend from this one. Orphans do: they become its children."""
    children: dict[int, list[int]] = {}
    for folder in _processes():
        with contextlib.suppress(OSError):
            after_name = (folder / "stat").read_text(errors="replace").rpartition(")")[2]
            children.setdefault(int(after_name.split()[1]), []).append(int(folder.name))
    found = [os.getpid()]
    for process in found:
        found += children.get(process, ())
    return found[1:]


def _resident() -> int:
    """Bytes of memory that the descendants of this process hold; pages that several share count for each."""
    pages = 0
    for process in _descendants():
        with contextlib.suppress(OSError, IndexError):
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _tasks_of(user: int) -> int:
    """How many processes and threads run under a user id."""
    count = 0
    for folder in _processes():
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == user:
                count += len(list((folder / "task").iterdir()))
    return count


def _processes() -> list[Path]:
    return [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _kernel() -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return (int(found[1]), int(found[2])) if found else (0, 0)


if __name__ == "__main__":
    main()
