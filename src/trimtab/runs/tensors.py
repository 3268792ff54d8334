"""Tensor files: tensors and JSON values in one safetensors file. Knows nothing about what they mean.

Written beside and moved into place, so that a file is whole or absent. No pickles.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.errors import RunError
from trimtab.runs.folder import write_whole

if TYPE_CHECKING:
    import torch


# What reading raises of a file that is not what it should be.
DAMAGES = (LookupError, TypeError, ValueError, AttributeError, RecursionError, ArithmeticError, RuntimeError, OSError)

# Among the values of a file: what it holds, hashed, values and tensors apart, so that either is checked alone.
CHECKSUMS = "sha256"


@dataclass(frozen=True)
class Stored:
    """Tensors by name and everything else as plain JSON values."""

    tensors: dict[str, torch.Tensor]
    values: dict[str, Any]


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any]) -> None:
    """Write tensors and JSON values to one safetensors file, atomically.

    Raises:
        RunError: if the folder cannot be written or is full; the previous file stays.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    def put(file: Path) -> None:
        """Straight from where the tensors are: of full fine-tuning they fill gigabytes."""
        own = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        said = {**values, CHECKSUMS: {"values": _of_values(values), "tensors": _of_tensors(own)}}
        try:
            save_file(own, file, {"trimtab": json.dumps(said)})
        except SafetensorError as error:
            raise as_os_error(error) from error

    write_whole(path, put)


def as_os_error(error: Exception) -> OSError:
    """What the system said to safetensors, which has errors of its own for a full disk."""
    found = re.search(r"os error (\d+)", str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else OSError(str(error))


def check_finite(path: Path, tensors: Mapping[str, torch.Tensor], hint: str) -> None:
    """Raise RunError where a number of a file is none."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise RunError(f"{path}: '{name}' holds numbers that are not finite.", hint)


def _of_values(values: Mapping[str, Any]) -> str:
    """SHA-256 of values."""
    return hashlib.sha256(json.dumps(dict(values)).encode()).hexdigest()


def _of_tensors(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of tensors with their names, types and shapes."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        if tensor.numel():
            digest.update(memoryview(tensor.reshape(-1).view(torch.uint8).numpy()))  # type: ignore[arg-type]
    return digest.hexdigest()


def load_tensors(path: Path) -> Stored:
    """Read what `save_tensors` wrote.

    Raises:
        RunError: if the file is missing, damaged or not ours.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118  (not a dict)
        values, checksums = _checked(metadata["trimtab"])
        if checksums and checksums.get("tensors") != _of_tensors(tensors):
            raise ValueError("its checksum is another")
        return Stored(tensors, values)
    except FileNotFoundError:
        raise RunError(f"{path}: no such file.") from None
    except (SafetensorError, *DAMAGES) as error:
        raise RunError(f"{path}: damaged or not written by Trimtab ({error}).", "Delete it and tune again.") from None


def read_values(path: Path) -> dict[str, Any]:
    """The JSON values of what `save_tensors` wrote, without its tensors and without torch.

    A safetensors file begins with the length of its header (8 bytes, little-endian), and that header as JSON.

    Raises:
        RunError: if the file is missing, damaged or not ours.
    """
    try:
        with path.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(min(size, path.stat().st_size)))
        return _checked(header["__metadata__"]["trimtab"])[0]
    except FileNotFoundError:
        raise RunError(f"{path}: no such file.") from None
    except DAMAGES as error:
        raise RunError(f"{path}: damaged or not written by Trimtab ({error}).", "Delete it and tune again.") from None


def _checked(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that a file holds, and its checksums; files of older versions have none.

    Raises:
        ValueError: they are no JSON object, or not those that were written.
    """
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError(f"a JSON {type(values).__name__}, expected an object")
    checksums = values.pop(CHECKSUMS, {})
    if not isinstance(checksums, dict) or (checksums and checksums.get("values") != _of_values(values)):
        raise ValueError("its checksum is another")
    return values, checksums
