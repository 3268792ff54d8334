"""Freed memory is kept: a second round of the same allocations touches no fresh pages."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, torch
from trimtab.backbones.memory import keep_freed_memory
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    x = torch.ones(64 << 20, dtype=torch.uint8)
    del x
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
without = faults()
kept = keep_freed_memory()
faults()
print(int(kept), without, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_a_second_round_touches_no_fresh_pages():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    kept, without, after = map(int, done.stdout.split())
    assert kept == 1
    assert after < max(64, without / 10)
