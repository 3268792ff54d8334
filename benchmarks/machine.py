"""What the machine is and how fast its matrix products are."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import torch


def describe() -> dict[str, object]:
    """Processor, cores, threads, library versions."""
    import peft
    import transformers

    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    name = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    flags = next((line for line in lines if line.startswith("flags")), "")
    return {
        "cpu": name,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "amx": "amx_tile" in flags,
        "avx512_bf16": "avx512_bf16" in flags,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "peft": peft.__version__,
    }


def matrix_peak(dtype: torch.dtype, seconds: float = 1.0) -> float:
    """Best rate of a [2048, 1536] x [1536, 1536] matrix product, FLOP/s."""
    a, b = torch.randn(2048, 1536).to(dtype), torch.randn(1536, 1536).to(dtype)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        torch.mm(a, b)
        best = min(best, time.perf_counter() - began)
    return 2 * 2048 * 1536 * 1536 / best
