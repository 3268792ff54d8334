"""A name -> word vectors: a file of ours or another program's, or a fetched name. Knows no use of them."""

from __future__ import annotations

from pathlib import Path

from trimtab.data.files import opened
from trimtab.errors import DataError, TrimtabError, did_you_mean
from trimtab.evaluation.baselines.word_vectors import KeyedVectors, read_word_vectors
from trimtab.sources import cache, catalogue, find_word_vectors
from trimtab.vectors import formats, kept

# What a safetensors file has behind the eight bytes of its header's length.
_HEADER = b"{"


def open_vectors(
    name: str, *, base: Path | None = None, offline: bool = False, progress: cache.Progress | None = None
) -> KeyedVectors:
    """Return word vectors.

    Args:
        name: a file that `trimtab vectors train` wrote; one of GloVe (text) or word2vec (text or binary), packed too
            (.gz, .bz2, .xz); a folder with `vectors.npy` and `words.parquet`; or a name such as `glove-6b-50d`.
        base: folder at which a relative path starts, before the current one.
        offline, progress: see `find_word_vectors`.

    Raises:
        DataError: no such file, or one that holds no word vectors.
        TrimtabError: the name cannot be fetched.
    """
    path = next(
        (place for start in (base or Path(), Path()) if (place := start / Path(name).expanduser()).exists()), None
    )
    if path is None:
        names = [vectors.name for vectors in catalogue.WORD_VECTORS]
        if name in names or not ({"/", "."} & set(name)):
            return read_word_vectors(find_word_vectors(name, offline=offline, progress=progress))
        beside = Path(name).expanduser().parent
        files = [entry.name for entry in beside.iterdir()] if beside.is_dir() else []
        hint = did_you_mean(Path(name).name, files) or f"Name a file of word vectors, or {', '.join(names)}."
        raise DataError(f"{name}: no such file.", hint)
    if path.is_dir():
        return _folder(path, name)
    with opened(path, name) as stream:
        start = stream.read(9)
        if start[8:] == _HEADER and int.from_bytes(start[:8], "little") <= path.stat().st_size:
            return kept.load(path, name)
        stream.seek(0)
        return formats.read(stream, name)


def _folder(path: Path, name: str) -> KeyedVectors:
    try:
        return read_word_vectors(path)
    except TrimtabError:
        raise
    except (OSError, ValueError, LookupError) as fault:
        raise DataError(
            f"{name}: a folder without word vectors (`vectors.npy` and `words.parquet`).", "Name a file of them."
        ) from fault
