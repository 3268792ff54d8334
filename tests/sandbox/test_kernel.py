"""Constants against the kernel's own headers, and what the calls do, each in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trimtab.sandbox import kernel

HEADERS = [Path("/usr/include") / name for name in ("linux/sched.h", "linux/prctl.h", "linux/mount.h", "linux/fcntl.h")]
OF_GLIBC = [Path("/usr/include/x86_64-linux-gnu/sys/mount.h"), Path("/usr/include/aarch64-linux-gnu/sys/mount.h")]
NAMES = [name for name in vars(kernel) if re.fullmatch(r"_?(CLONE|MS|MNT|PR|AT|MOUNT_ATTR)_[A-Z_]+", name)]


def defined() -> dict[str, int]:
    """Numbers that the headers on this machine give to names, by `#define NAME 1` or `NAME = 1 << 2,`."""
    found = {}
    for header in (*HEADERS, *OF_GLIBC):
        if header.is_file():
            number = r"\(?(-?\d+|0x[0-9a-f]+)(?:\s*<<\s*(\d+))?\)?\s*(?:,|/\*|$)"
            pattern = rf"^\s*(?:#\s*define\s+(?=\w+\s)|(?=\w+ =))(\w+)\s+(?:= )?{number}"
            lines = re.findall(pattern, header.read_text(), re.MULTILINE)
            found |= {name: int(value, 0) << int(shift or 0) for name, value, shift in lines}
    return found


def test_constants_are_those_of_the_headers() -> None:
    headers = defined()
    if not headers:
        pytest.skip("no headers of the kernel. `apt-get install linux-libc-dev` brings them.")
    ours = {name.removeprefix("_"): getattr(kernel, name) for name in NAMES}
    known = {name: number for name, number in ours.items() if name in headers}
    assert len(known) > len(ours) - 5, sorted(set(ours) - set(known))  # headers may be older
    assert known == {name: headers[name] for name in known}


def carried_out(code: str) -> str:
    """What a process of its own prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    lead = "import os\nfrom trimtab.sandbox import kernel\n"
    command = [sys.executable, "-c", lead + code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


STATUS = "fields = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"


def test_capabilities_are_given_up() -> None:
    code = (
        "kernel.drop_capabilities()\n"
        + STATUS
        + "print(*(int(fields[f'Cap{name}'], 16) for name in ('Eff', 'Prm', 'Inh')))"
    )
    assert carried_out(code) == "0 0 0\n"


def test_no_new_rights() -> None:
    code = "kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)\n" + STATUS + "print(int(fields['NoNewPrivs']))"
    assert carried_out(code) == "1\n"


def test_a_process_dies_with_its_parent() -> None:
    code = """
import signal, time
kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
told, tell = os.pipe()
parent = os.fork()
if parent == 0:
    if os.fork() == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.write(tell, b"x")
        time.sleep(60)
        os._exit(0)
    time.sleep(60)
    os._exit(0)
os.read(told, 1)
os.kill(parent, signal.SIGKILL)
os.waitpid(parent, 0)
_, status = os.wait()  # of the orphan, which is ours now
print(os.waitstatus_to_exitcode(status))
"""
    assert carried_out(code) == "-9\n"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("kernel.unshare(1)", "[Errno 22] unshare: Invalid argument"),
        ("kernel.prctl(10_000, 1)", "[Errno 22] prctl 10000: Invalid argument"),
        ("kernel.mount('none', '/not/there', 'tmpfs')", "mount /not/there: "),
        ("kernel.detach('/not/there')", "umount /not/there: "),
        ("kernel.make_read_only('/not/there')", "mount_setattr /not/there: "),
        ("kernel.change_root('/not/there', '/not/there/old')", "pivot_root: "),
    ],
)
def test_what_fails_says_which_call(call: str, message: str) -> None:
    found = carried_out(f"try:\n    {call}\nexcept OSError as error:\n    print(error)")
    assert message in found
    assert found.count(": ") == 1
