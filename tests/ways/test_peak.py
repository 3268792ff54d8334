"""The most memory that a piece of work takes, where the machine tells it apart from what came before."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from trimtab.ways.peak import PeakMemory

MEGABYTE = 1 << 20


def peak_of(megabytes: int) -> int:
    with PeakMemory(torch.device("cpu")) as peak:
        taken = np.ones(megabytes * MEGABYTE, dtype=np.uint8)
        del taken
    return peak.bytes


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a piece of work is told apart on Linux only")
def test_what_was_freed_before_is_not_counted() -> None:
    nothing, large, again = peak_of(0), peak_of(200), peak_of(0)
    assert nothing > 10 * MEGABYTE  # the process itself
    assert 150 * MEGABYTE < large - nothing < 300 * MEGABYTE
    assert abs(again - nothing) < 50 * MEGABYTE
