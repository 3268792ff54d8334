"""Keep freed memory for the next step. Knows nothing about tensors or models."""

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
