"""What a measured cell is kept under."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from trimtab.ways import cells
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


def test_a_flipped_bit_of_a_kept_cell_is_never_believed(tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    cell = cells.Cell(0, np.array([1, 0, 1]), dev_score=0.25, train_seconds=1.5, notes=("as given",))
    cells._write(path, cell)
    content = path.read_bytes()
    assert (kept := cells._read(path)) is not None
    assert kept.answers.tolist() == [1, 0, 1]
    for bit in range(0, 8 * len(content), 31):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        found = cells._read(path)
        assert found is None or (found.answers.tolist(), found.dev_score) == ([1, 0, 1], 0.25)


def test_cells_without_a_checksum_are_those_of_before(tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    cells._write(path, cells.Cell(3, np.array([1])))
    content = json.loads(path.read_text())
    del content["sha256"]
    path.write_text(json.dumps(content))
    assert (kept := cells._read(path)) is not None
    assert kept.seed == 3
