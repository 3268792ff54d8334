"""Word vectors written to one safetensors file and read again. Knows nothing about other programs' files.

Shapes: V words, G n-gram buckets, D numbers of a word vector.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.errors import DataError
from trimtab.evaluation.baselines.word_vectors import KeyedVectors
from trimtab.evaluation.text.subwords import Subwords

FORMAT = "trimtab-word-vectors 1"
# Names of what the file holds; the words are UTF-8, with a line end behind each.
WORDS, VECTORS, NGRAMS, BUCKETS = "words", "vectors", "ngrams", "buckets"
_AGAIN = "Train them again, or copy the file again."


def save(path: Path, vectors: KeyedVectors, made: Mapping[str, Any]) -> None:
    """Write vectors, with what says how they were made.

    Raises:
        OSError: the disk is full.
    """
    from safetensors.numpy import save as packed

    listed = "".join(f"{word}\n" for word in vectors.key_to_index).encode("utf-8", "surrogatepass")
    arrays: dict[str, NDArray[Any]] = {
        WORDS: np.frombuffer(listed, dtype=np.uint8),
        VECTORS: np.ascontiguousarray(vectors.vectors, dtype=np.float32),
    }
    values: dict[str, Any] = {"format": FORMAT, "made": dict(made)}
    if (subwords := vectors.subwords) is not None:
        arrays |= {NGRAMS: subwords.vectors_GD, BUCKETS: subwords.buckets_G}
        values["subwords"] = [subwords.shortest, subwords.longest, subwords.buckets]
    values["sha256"] = _checksum(arrays)
    path.write_bytes(packed(arrays, {"trimtab": json.dumps(values)}))


def load(path: Path, name: str) -> KeyedVectors:
    """Return the vectors that `save` wrote.

    Raises:
        DataError: it is another file, or not as it was written.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            values = json.loads((file.metadata() or {}).get("trimtab", "{}"))
            if values.get("format") != FORMAT:
                raise DataError(
                    f"{name}: a safetensors file, but not of word vectors.",
                    "Name a file that `trimtab vectors train` wrote, or one of GloVe or word2vec.",
                )
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (it is no mapping)
        if values["sha256"] != _checksum(arrays):
            raise DataError(f"{name}: damaged (its SHA-256 is not what was written).", _AGAIN)
        words = arrays[WORDS].tobytes().decode("utf-8", "surrogatepass").split("\n")[:-1]
        subwords = None
        if "subwords" in values:
            shortest, longest, buckets = values["subwords"]
            subwords = Subwords(shortest, longest, buckets, arrays[BUCKETS], arrays[NGRAMS])
        return KeyedVectors({word: v for v, word in enumerate(words)}, arrays[VECTORS], subwords)
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError) as fault:
        raise DataError(f"{name}: damaged ({fault}).", _AGAIN) from fault


def save_text(path: Path, vectors: KeyedVectors) -> None:
    """Write vectors of known words as word2vec writes text: a line with V and D, then a word and its numbers a line."""
    count, size = vectors.vectors.shape
    with path.open("w", encoding="utf-8", errors="replace") as file:
        file.write(f"{count} {size}\n")
        for word, row in vectors.key_to_index.items():
            numbers = " ".join(f"{number:.9g}" for number in vectors.vectors[row].tolist())
            file.write(f"{word} {numbers}\n")


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of arrays with their names and shapes."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(json.dumps([name, str(array.dtype), list(array.shape)]).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
