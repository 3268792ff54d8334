"""What a measured cell is kept under."""

from __future__ import annotations

from pathlib import Path

from trimtab.ways.cells import weights_at


def test_other_weights_in_the_folder_of_an_encoder_are_another_encoder(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"one")
    first = weights_at("./encoder", tmp_path)
    assert first == weights_at("./encoder", tmp_path) != ""
    (folder / "model.safetensors").write_bytes(b"two")
    assert weights_at("./encoder", tmp_path) != first
    assert weights_at("minilm", tmp_path) == ""
