"""Fixtures of the tests of sources: an empty cache and a package index in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

import package_index


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, the hub's too, and no leave to ask the hub."""
    for name in ("TRIMTAB_OFFLINE", "TRIMTAB_AGREE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRIMTAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "cache"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is pip's only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    package_index.use(monkeypatch, folder)
    return folder
