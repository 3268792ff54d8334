"""The most memory that a piece of work needs. Knows nothing about what the work is."""

from __future__ import annotations

import contextlib
import ctypes
from pathlib import Path
from types import TracebackType

import torch

from trimtab.backbones.memory import peak_bytes

# <linux/fs/proc>: writing 5 sets the peak of the resident set back to what it is now.
_RESET_PEAK = "5"


class PeakMemory:
    """Context manager; afterwards `bytes` holds the peak within it: on a GPU of that, else of the whole process.

    What earlier work freed is given back to the system first, where that can be done (Linux, glibc); elsewhere the peak
    is that of the process so far.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.bytes = 0

    def __enter__(self) -> PeakMemory:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
            return self
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
            Path("/proc/self/clear_refs").write_text(_RESET_PEAK)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.device.type == "cuda":
            self.bytes = torch.cuda.max_memory_allocated(self.device)
            return
        with contextlib.suppress(OSError, StopIteration):
            lines = Path("/proc/self/status").read_text().splitlines()
            self.bytes = int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
            return
        self.bytes = peak_bytes()
