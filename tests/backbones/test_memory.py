"""Freed memory is kept: what is allocated in its place touches no fresh pages."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

import needs
from trimtab.backbones.memory import peak_bytes

SCRIPT = """
import resource, torch
from trimtab.backbones.memory import keep_freed_memory
def faults(mebibytes):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    x = torch.ones(mebibytes << 20, dtype=torch.uint8)
    del x
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(60)
without = faults(60)
kept = keep_freed_memory()
faults(64)  # an aligned block needs a little more than its size, so that it need not fit where an equal one was
print(int(kept), without, faults(60))
"""


@needs.linux
def test_an_allocation_takes_the_place_of_a_freed_one():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    kept, without, after = map(int, done.stdout.split())
    assert kept == 1
    assert after < max(64, without / 10)


@pytest.mark.parametrize(("system", "unit"), [("Linux", 1024), ("Darwin", 1)])
def test_the_most_that_was_taken_is_in_bytes(system, unit, monkeypatch):
    """Linux tells kilobytes, macOS bytes."""
    taken = SimpleNamespace(ru_maxrss=5000)
    monkeypatch.setattr("resource.getrusage", lambda _: taken)
    monkeypatch.setattr("platform.system", lambda: system)
    assert peak_bytes() == 5000 * unit


def test_a_system_that_does_not_tell(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_bytes() == 0
