"""Limits without namespaces: what they still hold, and what they say. The programs are small whatever holds."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from trimtab.errors import TrimtabError
from trimtab.sandbox.box import Outcome, run_program
from trimtab.sandbox.limits import MIB, Limits

SMALL = Limits(seconds=20, cpu_seconds=10, memory=300 * MIB, processes=8, output_bytes=4096)


def readable_by_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in (path, *path.parents))


PYTHON = Path(os.path.realpath(sys.executable))
UNREADABLE = (
    "user 0 runs programs as another user, who cannot read this Python. `make PYTHON=/usr/bin/python3 clean test` in a "
    "folder that all can read, or another user, brings it."
)
READABLE = "this user can run programs with limits alone. User 0, with a Python in /root, brings it."
others_only = pytest.mark.skipif(os.getuid() == 0 and not readable_by_all(PYTHON), reason=UNREADABLE)


def run(program: str, tests: str = "", limits: Limits = SMALL) -> Outcome:
    return run_program(program, tests, limits=limits, isolation="limits")


@others_only
def test_what_limits_hold() -> None:
    found = run("x = 3", "assert x == 3")
    assert found.result == "passed"
    assert found.isolation in (("seccomp", "limits"), ("limits",))
    assert run("while True: pass", limits=Limits(seconds=1)).result == "timed out"
    assert run("held = [bytearray(1 << 20) for _ in range(600)]").result == "memory"
    flood = run("import os\nfor _ in range(100): os.write(1, b'x' * 1000)")
    assert flood.stdout == "x" * 4096
    assert run("import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))").stdout == "['HOME', 'PATH', 'TMPDIR']\n"
    found = run("open('f', 'wb', 0).write(bytes(16 << 20))\nopen('f', 'ab', 0).write(b'x')")
    assert (found.result, found.line) == ("forbidden", "[Errno 27] File too large")


@others_only
def test_processes_are_few() -> None:
    found = run("""
import os, time
for _ in range(60):
    if os.fork() == 0:
        time.sleep(3)
        os._exit(0)
    os.write(1, b"forked ")
""")
    assert (found.result, found.error) == ("forbidden", "BlockingIOError")
    # Other processes of the user come and go meanwhile.
    assert 3 <= len(found.stdout.split()) <= 20


@others_only
def test_no_sockets_where_system_calls_are_filtered() -> None:
    found = run("import socket; socket.socket()")
    if "seccomp" not in found.isolation:
        pytest.skip("this kernel filters no system calls. One with CONFIG_SECCOMP_FILTER brings it.")
    assert (found.result, found.error) == ("forbidden", "PermissionError")


@others_only
def test_nothing_is_left_behind() -> None:
    mark = uuid.uuid4().hex
    found = run(f"""
import os, subprocess, sys
subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(40)", "{mark}"], start_new_session=True)
os.makedirs("a/b")
open("a/b/c", "w").close()
os.chmod("a", 0)
print(os.getcwd())
""")
    assert found.result == "passed"
    assert "trimtab-program-" in found.stdout
    assert not Path(found.stdout.strip()).exists()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            assert mark.encode() not in (folder / "cmdline").read_bytes()
        except OSError:
            continue


@pytest.mark.skipif(os.getuid() != 0 or readable_by_all(PYTHON), reason=READABLE)
def test_user_0_does_not_run_programs_as_itself() -> None:
    with pytest.raises(TrimtabError) as error:
        run("print(1)")
    assert str(error.value) == (
        f"This machine cannot hold programs to limits: {PYTHON}: Permission denied. The program was not run."
    )


def test_not_on_other_systems() -> None:
    code = "import sys; sys.platform = 'darwin'\nfrom trimtab.sandbox.box import run_program\nrun_program('')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "trimtab.errors.TrimtabError: Programs cannot be isolated on darwin. Run them on Linux, or in a container."
    )
