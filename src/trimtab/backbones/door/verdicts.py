"""What was found of models when they were compared, remembered in the cache. Knows nothing about how that is done.

A verdict holds for the same weights and settings, number format and device, read by the same code: ours, transformers'
and PyTorch's.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import trimtab.backbones
from trimtab.sources import cache

_SERVED = "served"


def verdict_key(content_hash: str, files: Mapping[str, str], dtype: object, device: str) -> str:
    """What a verdict is known by.

    Args:
        content_hash: SHA-256 over the weights.
        files: SHA-256 of config.json and the files beside it, by name.
        dtype, device: number format, and kind of device.
    """
    import torch
    import transformers

    code = [_code(), transformers.__version__, torch.__version__]
    known = json.dumps([content_hash, dict(files), str(dtype), device, code], sort_keys=True)
    return hashlib.sha256(known.encode()).hexdigest()[:32]


def known_to_be_served(key: str, memory: Path) -> bool:
    """Whether a model was compared before, and found right."""
    try:
        return _place(key, memory).read_text(encoding="utf-8") == _SERVED
    except (OSError, ValueError):
        return False


def remember_served(key: str, memory: Path) -> None:
    """Remember that a model was found right; where the cache cannot be written to, it is compared again."""
    with contextlib.suppress(OSError):
        _place(key, memory).parent.mkdir(parents=True, exist_ok=True)
        cache.write_shared(_place(key, memory), _SERVED)


def _place(key: str, memory: Path) -> Path:
    return memory / "compared" / key


@functools.cache
def _code() -> str:
    """SHA-256 over the code that runs models."""
    digest = hashlib.sha256()
    for file in sorted(Path(trimtab.backbones.__path__[0]).rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
