"""What a run was trained on, as hashes in its folder. Knows nothing about what they are used for; needs no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.data.leakage import Seen
from trimtab.errors import RunError
from trimtab.runs.folder import write_whole

if TYPE_CHECKING:
    import numpy as np

TRAINED_ON_FILE = "trained_on.safetensors"
# Entry of the file's metadata: SHA-256 over its hashes. Files of older versions have none.
CHECKSUM = "sha256"


def remember(folder: Path, seen: Seen) -> None:
    """Write what a run was trained on into its folder. Raises RunError where it cannot be written."""
    import numpy as np
    from safetensors.numpy import save

    hashes = {name: np.array(sorted(getattr(seen, name)), dtype=np.int64) for name in ("exact", "alike")}
    write_whole(folder / TRAINED_ON_FILE, save(hashes, {CHECKSUM: _checksum(hashes)}))


def trained_on(folder: Path) -> Seen | None:
    """What the run in a folder was trained on; None where the folder does not say (a run of an older version).

    Raises:
        RunError: the file is damaged.
    """
    path = folder / TRAINED_ON_FILE
    if not path.is_file():
        return None
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as stream:
            hashes = {name: stream.get_tensor(name) for name in ("exact", "alike")}
            known = (stream.metadata() or {}).get(CHECKSUM)
        if known not in (None, _checksum(hashes)):
            raise ValueError("its checksum is another")
        exact, alike = (frozenset(map(int, hashes[name].ravel())) for name in ("exact", "alike"))
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise RunError(
            f"{path}: damaged ({error}).", "Delete it; rows that the run was trained on are not told then."
        ) from None
    return Seen(exact, alike)


def _checksum(hashes: Mapping[str, np.ndarray]) -> str:
    return hashlib.sha256(b" ".join(hashes[name].tobytes() for name in ("exact", "alike"))).hexdigest()
