"""Parts of the supervisor that can be looked at from outside; the whole of it is in test_box.py and test_limits.py."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from trimtab.sandbox import supervisor


@pytest.mark.parametrize(
    ("release", "version"),
    [
        ("5.14.0-427.el9.x86_64", (5, 14)),
        ("6.8.0", (6, 8)),
        ("6.12+deb13", (6, 12)),
        ("4.19-rc14", (4, 19)),
        ("odd", (0, 0)),
    ],
)
def test_versions_of_kernels(monkeypatch: pytest.MonkeyPatch, release: str, version: tuple[int, int]) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(release=release))
    assert supervisor._kernel() == version


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (FileNotFoundError(2, "No such file or directory", "/a"), "/a: No such file or directory"),
        (OSError(1, "unshare: Operation not permitted"), "unshare: Operation not permitted"),
        (OSError("odd"), "odd"),
    ],
)
def test_what_failed_is_said_with_the_file(error: OSError, why: str) -> None:
    assert supervisor._why(error) == why


@pytest.mark.parametrize(
    ("there", "wanted", "limits"),
    [
        (resource.RLIM_INFINITY, (5, 6), (5, 6)),
        (10, (5, 6), (5, 6)),
        (3, (5, 6), (3, 3)),
        (5, (5, 6), (5, 5)),
        (3, (5, resource.RLIM_INFINITY), (3, 3)),
    ],
)
def test_a_lower_limit_stays(
    monkeypatch: pytest.MonkeyPatch, there: int, wanted: tuple[int, int], limits: tuple[int, int]
) -> None:
    seen: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1, there))
    monkeypatch.setattr(resource, "setrlimit", lambda which, both: seen.append((which, both)))
    if wanted[1] == resource.RLIM_INFINITY:  # -1 in Python: the smallest number, and the largest limit
        wanted = (wanted[0], 2**40)
    supervisor._limit(resource.RLIMIT_AS, *wanted)
    assert seen == [(resource.RLIMIT_AS, limits)]


FAMILY = """
import subprocess, sys, time
held = bytearray(20 << 20)
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_descendants_their_memory_and_their_tasks() -> None:
    before = supervisor._tasks_of(os.getuid())
    parent = subprocess.Popen([sys.executable, "-S", "-c", FAMILY], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    try:
        child = int(parent.stdout.readline())
        found = supervisor._descendants()
        assert {parent.pid, child} <= set(found)
        assert os.getpid() not in found
        assert found.index(parent.pid) < found.index(child)
        assert supervisor._resident() > 20 << 20
        assert before >= 1
        assert supervisor._tasks_of(2**31 - 2) == 0
    finally:
        for process in (child, parent.pid):
            os.kill(process, 9)
        parent.wait()
        parent.stdout.close()
    until = time.monotonic() + 30
    while {parent.pid, child} & set(supervisor._descendants()):
        assert time.monotonic() < until
        time.sleep(0.01)
