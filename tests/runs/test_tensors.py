"""Tensor files: written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError

from trimtab.errors import TrimtabError
from trimtab.runs.tensors import load_tensors, save_tensors


@pytest.mark.parametrize(
    ("said", "why"),
    [("I/O error: No space left on device (os error 28)", "No space left on device"), ("odd", "odd")],
)
def test_a_disk_that_is_full_leaves_the_old_file(
    said: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    save_tensors(path, {"x": torch.arange(3)}, {"n": 1})

    def full(*_: object) -> None:
        raise SafetensorError(said)

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(TrimtabError) as caught:
        save_tensors(path, {"x": torch.arange(4)}, {"n": 2})
    assert str(caught.value) == f"{path}: cannot be written ({why}). Free some space, or choose another folder."
    stored = load_tensors(path)
    assert (stored.tensors["x"].tolist(), stored.values) == ([0, 1, 2], {"n": 1})
    assert list(tmp_path.iterdir()) == [path]
