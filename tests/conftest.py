"""Fixtures of all tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

if TYPE_CHECKING:
    from trimtab.backbones.pretrained import Pretrained


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny Llama and a byte-level tokenizer."""
    import tiny

    return tiny.save_backbone(tmp_path_factory.mktemp("backbones") / "tiny")


@pytest.fixture(scope="session")
def pretrained(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    """The tiny backbone in memory."""
    from trimtab.backbones.pretrained import load

    return load(tiny_folder, tmp_path_factory.mktemp("cache"), name=str(tiny_folder), precision="float32")
