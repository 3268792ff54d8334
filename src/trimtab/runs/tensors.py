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
_DAMAGES = (LookupError, TypeError, ValueError, AttributeError, RecursionError, OverflowError, RuntimeError, OSError)

# Among the values of a file: what it holds, hashed.
CHECKSUM = "sha256"


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
        said = {**values, CHECKSUM: _checksum(own, values)}
        try:
            save_file(own, file, {"trimtab": json.dumps(said)})
        except SafetensorError as error:
            found = re.search(r"os error (\d+)", str(error))
            raise OSError(*((int(found[1]), os.strerror(int(found[1]))) if found else (str(error),))) from error

    write_whole(path, put)


def _checksum(tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any]) -> str:
    """SHA-256 of values, and of tensors with their names, types and shapes."""
    import torch

    digest = hashlib.sha256(json.dumps(dict(values), sort_keys=True).encode())
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
        values = _object(metadata["trimtab"])
        expected = values.pop(CHECKSUM, None)  # older files have none
        if expected is not None and expected != _checksum(tensors, values):
            raise ValueError("its checksum is another")
        return Stored(tensors, values)
    except FileNotFoundError:
        raise RunError(f"{path}: no such file.") from None
    except (SafetensorError, *_DAMAGES) as error:
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
        values = _object(header["__metadata__"]["trimtab"])
        return {name: value for name, value in values.items() if name != CHECKSUM}
    except FileNotFoundError:
        raise RunError(f"{path}: no such file.") from None
    except _DAMAGES as error:
        raise RunError(f"{path}: damaged or not written by Trimtab ({error}).", "Delete it and tune again.") from None


def _object(text: str) -> dict[str, Any]:
    """A JSON object. Raises ValueError for any other value."""
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError(f"a JSON {type(values).__name__}, expected an object")
    return values
