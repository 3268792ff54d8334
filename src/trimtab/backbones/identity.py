"""What a model is known by: hashes of its weights, and of the files that say how they are run and what tokens are.

Only files that are read when it is loaded have a part in it. Knows nothing about where they came from.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from trimtab.errors import BackboneError
from trimtab.sources.cache import Progress
from trimtab.sources.checked import sha256_over

CONFIG = "config.json"
_SETTINGS = {CONFIG, "generation_config.json", "tokenizer_config.json"}
_TOKENIZER_FILES = {
    "added_tokens.json", "chat_template.jinja", "chat_template.json", "merges.txt", "special_tokens_map.json",
    "tokenizer.json", "vocab.json", "vocab.txt",
}  # fmt: skip
_TOKENIZER_SUFFIXES = {".model", ".tiktoken"}
# Entries of JSON files that say who wrote them and when, and not what a model is.
_SAYS_NOTHING = {"_name_or_path", "name_or_path", "transformers_version"}
# In which order transformers looks for weights in a folder.
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def content_hash(path: Path, cache: Path, progress: Progress | None = None) -> str:
    """SHA-256 over the weights that are read of a model, remembered in `cache` by path, size and time of change.

    Raises:
        BackboneError: there are none.
    """
    return sha256_over(_weight_files(path), cache, progress)


def older_hash(path: Path, cache: Path, progress: Progress | None = None) -> str:
    """What runs of Trimtab 0.1.0 know a model by: SHA-256 over all weights that stand in its folder, read or not."""
    return sha256_over(_all_weights(path), cache, progress)


def described_by(path: Path) -> dict[str, str]:
    """SHA-256 of config.json, generation_config.json and the tokenizer's files, by name.

    Of a GGUF file, which holds all that with the weights, there are none.
    """
    if path.is_file():
        return {}
    return {file.name: _meaning(file) for file in sorted(path.iterdir()) if file.is_file() and _describes(file)}


def _describes(file: Path) -> bool:
    return file.name in _SETTINGS | _TOKENIZER_FILES or file.suffix in _TOKENIZER_SUFFIXES


def _meaning(file: Path) -> str:
    """SHA-256 of what a file says: of settings, whatever their order and layout."""
    content = file.read_bytes()
    if file.name in _SETTINGS and isinstance(values := _json(content), dict):
        kept = {name: value for name, value in values.items() if name not in _SAYS_NOTHING}
        content = json.dumps(kept, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _weight_files(path: Path) -> list[Path]:
    """The files that weights are read from, by name."""
    present = _all_weights(path)
    if path.is_file() or _from_elsewhere(path):
        return present
    found = next((path / name for name in _WEIGHTS if (path / name).is_file()), None)
    if found is None:
        return present
    if found.suffix != ".json":
        return [found]
    index = _json(found.read_bytes())
    shards = index.get("weight_map") if isinstance(index, dict) else None
    names = {str(name) for name in shards.values()} if isinstance(shards, dict) else set()
    return [file for file in present if file.name in names] or present


def _from_elsewhere(folder: Path) -> bool:
    """Whether a folder's weights may be read from files of other names."""
    config = _json((folder / CONFIG).read_bytes()) if (folder / CONFIG).is_file() else {}
    named = isinstance(config, dict) and config.get("transformers_weights")
    return bool(named) or (folder / "adapter_config.json").is_file()


def _all_weights(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(p for p in path.iterdir() if p.suffix in (".safetensors", ".bin", ".gguf"))
    if not files:
        raise BackboneError(f"{path}: no weights (.safetensors, .bin or .gguf) in this folder.")
    return files


def _json(content: bytes) -> Any:
    """What a JSON file holds; None where it holds none, which is told when it is loaded."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
