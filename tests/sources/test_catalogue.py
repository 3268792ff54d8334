"""The catalogue adds up: checksums, sizes, names, places."""

from __future__ import annotations

import re
from pathlib import Path

from trimtab.settings.task import Task
from trimtab.sources.catalogue import (
    DATA,
    MODELS,
    WORD_VECTORS,
    HubOrigin,
    PackagedFile,
    PackageOrigin,
    Piece,
)

FILES = [
    *(file for model in MODELS if model.package for file in model.package.files),
    *(file for entry in (*DATA, *WORD_VECTORS) for file in entry.files),
]


def test_every_file_has_its_checksum_and_every_archive_its_size() -> None:
    assert len(FILES) > 10
    for file in FILES:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256), file
        assert file.bytes > 0, file
        for piece in file.pieces:
            assert re.fullmatch("[0-9a-f]{64}", piece.sha256), piece
            assert piece.archive_bytes > 0, piece
            assert re.fullmatch(r"[0-9]+(\.[0-9]+)*", piece.version), piece
            assert piece.sdist_sha256 == "" or re.fullmatch("[0-9a-f]{64}", piece.sdist_sha256), piece
        if len(file.pieces) == 1:
            assert file.sha256 == file.pieces[0].sha256
    sizes = {}
    for file in FILES:
        for piece in file.pieces:
            assert sizes.setdefault((piece.package, piece.version), piece.archive_bytes) == piece.archive_bytes


def test_every_model_can_be_had_from_two_places() -> None:
    for model in MODELS:
        assert model.hub
        assert model.package
        assert model.licence
        assert model.hub.revision is None or re.fullmatch("[0-9a-f]{40}", model.hub.revision)
    assert Task().backbone in {model.name for model in MODELS}


def test_no_name_stands_twice() -> None:
    names = [entry.name for entry in (*MODELS, *DATA, *WORD_VECTORS)]
    assert sorted(set(names)) == sorted(names)


def test_gemma_is_put_together_from_four_parts() -> None:
    [gemma] = [model for model in MODELS if model.name == "gemma3-270m"]
    assert gemma.terms
    assert gemma.package
    assert gemma.package.gguf
    assert (gemma.package.gguf.bytes, len(gemma.package.gguf.pieces)) == (253_113_024, 4)
    assert gemma.package.download_bytes == 56_634_990 + 60_953_371 + 59_882_045 + 60_704_618 + 28_376


def test_where_a_model_is_once_it_is_fetched() -> None:
    one, two = (PackagedFile(name, (Piece("p", "1", name, 3),)) for name in ("config.json", "a.gguf"))
    folder, file = PackageOrigin("p", "1", (one,)), PackageOrigin("p", "1", (one, two))
    assert (folder.gguf, folder.place(Path("/c"))) == (None, Path("/c"))
    assert (file.gguf, file.place(Path("/c"))) == (two, Path("/c/a.gguf"))
    assert (str(file), str(HubOrigin("org/name", "c" * 40))) == ("pypi:p==1", "hub:org/name")
    assert PackagedFile("x", (Piece("p", "1", "a"), Piece("p", "1", "b", 5))).bytes == 5
