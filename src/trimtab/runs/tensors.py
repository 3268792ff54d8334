"""Tensor files: tensors and JSON values in one safetensors file. Knows nothing about what they mean.

Written beside and moved into place, so that a file is whole or absent. No pickles.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from trimtab.errors import TrimtabError
from trimtab.runs.folder import write_whole


@dataclass(frozen=True)
class Stored:
    """Tensors by name and everything else as plain JSON values."""

    tensors: dict[str, torch.Tensor]
    values: dict[str, Any]


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any]) -> None:
    """Write tensors and JSON values to one safetensors file, atomically.

    Raises:
        TrimtabError: if the folder cannot be written or is full; the previous file stays.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    def put(file: Path) -> None:
        """Straight from where the tensors are: of full fine-tuning they fill gigabytes."""
        own = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        try:
            save_file(own, file, {"trimtab": json.dumps(dict(values))})
        except SafetensorError as error:
            found = re.search(r"os error (\d+)", str(error))
            raise OSError(*((int(found[1]), os.strerror(int(found[1]))) if found else (str(error),))) from error

    write_whole(path, put)


def load_tensors(path: Path) -> Stored:
    """Read what `save_tensors` wrote.

    Raises:
        TrimtabError: if the file is missing, damaged or not ours.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118  (not a dict)
        return Stored(tensors, json.loads(metadata["trimtab"]))
    except FileNotFoundError:
        raise TrimtabError(f"{path}: no such file.") from None
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise TrimtabError(
            f"{path}: damaged or not written by Trimtab ({error}).", "Delete it and tune again."
        ) from None
