"""Tensor files: written whole or not at all, read by safetensors, and refused where they are damaged or not ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError

from trimtab.errors import RunError
from trimtab.runs.tensors import Stored, load_tensors, read_values, save_tensors

TARGETS = torch.tensor([[1.0, -2.0], [0.5, 3.0]])


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
    with pytest.raises(RunError) as caught:
        save_tensors(path, {"x": torch.arange(4)}, {"n": 2})
    assert str(caught.value) == f"{path}: cannot be written ({why}). Free some space, or choose another folder."
    stored = load_tensors(path)
    assert (stored.tensors["x"].tolist(), stored.values) == ([0, 1, 2], {"n": 1})
    assert list(tmp_path.iterdir()) == [path]


def test_tensor_files(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    values = {"文": [1, None, {"a": 0.1}], "b": True}
    save_tensors(path, {"t": TARGETS, "one": torch.tensor(3.0)}, values)
    back = load_tensors(path)
    assert back == Stored(back.tensors, values)
    assert torch.equal(back.tensors["t"], TARGETS)
    assert back.tensors["one"].item() == 3.0
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]


def test_damaged_and_foreign_files(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.safetensors", tmp_path / "bad.safetensors"
    save_tensors(good, {"t": TARGETS}, {})
    content = good.read_bytes()
    for damaged in (b"", content[:5], content[:-7], b"hello, I am not a tensor file", b"\xff" * 100):
        bad.write_bytes(damaged)
        with pytest.raises(RunError) as caught:
            load_tensors(bad)
        assert caught.value.message.startswith(f"{bad}: damaged or not written by Trimtab (")
        assert caught.value.hint == "Delete it and tune again."
    safetensors.torch.save_file({"t": TARGETS}, bad)
    with pytest.raises(RunError, match="damaged or not written by Trimtab"):
        load_tensors(bad)
    with pytest.raises(RunError) as caught:
        load_tensors(tmp_path / "none.safetensors")
    assert str(caught.value) == f"{tmp_path / 'none.safetensors'}: no such file."


def test_safetensors_reads_what_is_written(tmp_path: Path) -> None:
    wide = torch.arange(12, dtype=torch.bfloat16).reshape(3, 4)
    save_tensors(tmp_path / "x.safetensors", {"view": wide.T[1:], "none": torch.zeros(0, 3)}, {})
    back = safetensors.torch.load_file(tmp_path / "x.safetensors")
    assert torch.equal(back["view"], wide.T[1:])
    assert back["view"].dtype == torch.bfloat16
    assert back["none"].shape == (0, 3)


def test_values_are_read_by_themselves(tmp_path: Path) -> None:
    """They are those that are read with the tensors, whatever these are."""
    path = tmp_path / "x.safetensors"
    many = {f"layer.{i}": torch.full((3, 5), float(i)) for i in range(50)}
    values = {"words": {"好评": ["好", "\ud83d"]}, "n": [1, None, 0.1], "text": 'a "b" \\ {}', "long": "x" * 100_000}
    for tensors, own in ((many, values), ({}, values), ({"x": torch.zeros(0)}, {}), (many, {"format": "other"})):
        save_tensors(path, tensors, own)
        assert read_values(path) == load_tensors(path).values == own
    path.write_bytes(path.read_bytes()[:-7])  # tensors that are cut short are not looked at
    assert read_values(path) == {"format": "other"}


def test_values_of_damaged_and_foreign_files(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.safetensors", tmp_path / "bad.safetensors"
    save_tensors(good, {"t": TARGETS}, {"n": 1})
    content = good.read_bytes()
    header = b'{"__metadata__": {"format": "pt"}}'
    nested = b'{"__metadata__": 3}'
    for damaged in (
        b"", content[:5], content[:40], b"hello, I am not a tensor file", b"\xff" * 100, b"\xff" * 8 + content[8:],
        len(header).to_bytes(8, "little") + header, len(nested).to_bytes(8, "little") + nested,
        (2).to_bytes(8, "little") + b"[]",
    ):  # fmt: skip
        bad.write_bytes(damaged)
        with pytest.raises(RunError) as caught:
            read_values(bad)
        assert caught.value.message.startswith(f"{bad}: damaged or not written by Trimtab (")
        assert caught.value.hint == "Delete it and tune again."
    safetensors.torch.save_file({"t": TARGETS}, bad)
    with pytest.raises(RunError, match="damaged or not written by Trimtab"):
        read_values(bad)
    for missing in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(RunError) as caught:
            read_values(missing)
        assert caught.value.message.startswith(f"{missing}: ")
    with pytest.raises(RunError) as caught:
        read_values(tmp_path / "none.safetensors")
    assert str(caught.value) == f"{tmp_path / 'none.safetensors'}: no such file."


def test_values_are_read_without_torch(tmp_path: Path) -> None:
    save_tensors(tmp_path / "x.safetensors", {"t": TARGETS}, {"n": 1})
    script = (
        "import sys\nfrom pathlib import Path\nfrom trimtab.runs.tensors import read_values\n"
        "print(read_values(Path('x.safetensors')), {'torch', 'safetensors'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "{'n': 1} set()\n"
