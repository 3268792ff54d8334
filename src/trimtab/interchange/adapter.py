"""PEFT's adapter folder: adapter_config.json and adapter_model.safetensors. Knows nothing about runs or methods.

Never a pickle. PEFT's own reader is not used: it drops settings that it does not know, which change the answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trimtab.errors import RunError
from trimtab.runs.tensors import DAMAGES, check_finite, load_tensors, save_tensors

if TYPE_CHECKING:
    import torch

CONFIG_FILE, WEIGHTS_FILE, PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
FORMAT = "trimtab-adapter-1"
AGAIN = "Get the adapter again."


@dataclass(frozen=True)
class Adapter:
    """What an adapter folder holds.

    Attributes:
        config: the entries of adapter_config.json.
        tensors: the weights by the names PEFT gives them.
        leading: how many of the first prompt vectors are the embeddings of the backbone's leading tokens, which come
            before the prompt in Trimtab; 0 in adapters written by others.
    """

    config: dict[str, Any]
    tensors: dict[str, torch.Tensor]
    leading: int = 0


def write_adapter(folder: Path, adapter: Adapter) -> None:
    """Write an adapter into a folder that is there. Raises RunError or OSError where that fails."""
    text = json.dumps(adapter.config, ensure_ascii=False, indent=2) + "\n"
    (folder / CONFIG_FILE).write_text(text, encoding="utf-8")
    save_tensors(folder / WEIGHTS_FILE, adapter.tensors, {"format": FORMAT, "leading": adapter.leading})


def read_adapter(folder: Path) -> Adapter:
    """Read an adapter folder, ours or PEFT's.

    Raises:
        RunError: it is no adapter folder, its weights are a pickle, or a file is damaged.
    """
    if not (folder / CONFIG_FILE).is_file():
        raise RunError(
            f"{folder}: not a PEFT adapter (no {CONFIG_FILE}).", "Give the folder that `save_pretrained` of PEFT wrote."
        )
    config = _config(folder / CONFIG_FILE)
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        if (folder / PICKLE).is_file():
            raise RunError(
                f"{folder / PICKLE}: a pickle, which can run code when it is read; Trimtab reads none.",
                f"Where you trust it, load it with PEFT and save it again, which writes {WEIGHTS_FILE}.",
            )
        raise RunError(f"{folder}: no {WEIGHTS_FILE}.", "Give a whole adapter folder.")
    return Adapter(config, *_weights(path))


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise RunError(f"{path}: damaged ({error}).", AGAIN) from None
    if not isinstance(config, dict) or not isinstance(config.get("peft_type"), str):
        raise RunError(f"{path}: names no peft_type.", "Give the folder that `save_pretrained` of PEFT wrote.")
    return config


def _weights(path: Path) -> tuple[dict[str, torch.Tensor], int]:
    """The tensors, float32, and `leading`; what Trimtab wrote is held against its checksums."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stream:
            ours = "trimtab" in (stream.metadata() or {})
            tensors = {name: stream.get_tensor(name).float() for name in stream.keys()}  # noqa: SIM118  (not a dict)
        leading = int(load_tensors(path).values.get("leading", 0)) if ours else 0
    except RunError as error:
        raise RunError(error.message, AGAIN) from None
    except (SafetensorError, *DAMAGES) as error:
        raise RunError(f"{path}: damaged ({error}).", AGAIN) from None
    check_finite(path, tensors, AGAIN)
    return tensors, leading
