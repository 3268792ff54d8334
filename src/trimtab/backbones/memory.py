"""Keep freed memory for the next step, and tell the most that was taken. Knows nothing about tensors or models."""

from __future__ import annotations

import ctypes
import platform

# <malloc.h>
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Tell the C library not to give large freed blocks back to the system; True where that is possible (glibc).

    A training step frees and takes hundreds of megabytes. By default glibc returns each large block at once, and the
    system hands it out again page by page, each zeroed on first touch.
    """
    if platform.system() != "Linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))


def peak_bytes() -> int:
    """The most memory that this process has had; 0 where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return 0
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return taken if platform.system() == "Darwin" else taken * 1024  # kilobytes, but on macOS
