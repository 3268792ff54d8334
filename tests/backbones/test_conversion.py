"""A conversion of a GGUF file counts only where it is whole and as it was made."""

from __future__ import annotations

import errno
import json
import shutil
import stat
from pathlib import Path

import pytest
from safetensors import SafetensorError

from trimtab.backbones import conversion
from trimtab.backbones.identity import content_hash
from trimtab.backbones.pretrained import load, model_folder
from trimtab.errors import BackboneError
from trimtab.sources.cache import RECORD, read_record, sha256_of


class Converter:
    """Stands for transformers: gives the tiny backbone for any file, and counts."""

    def __init__(self, made: Path) -> None:
        self.made, self.calls = made, 0

    def __call__(self, path: Path, folder: Path) -> None:
        self.calls += 1
        for file in self.made.iterdir():
            shutil.copyfile(file, folder / file.name)
        (folder / "model.safetensors").chmod(0o600)  # as safetensors does


@pytest.fixture
def convert(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Converter:
    converter = Converter(tiny_folder)
    monkeypatch.setattr(conversion, "_convert", converter)
    return converter


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    (tmp_path / "model.gguf").write_bytes(b"GGUF and more")
    return tmp_path / "model.gguf"


def test_converted_once_with_a_record(convert: Converter, gguf: Path, tmp_path: Path) -> None:
    folder = model_folder(gguf, tmp_path)
    assert model_folder(gguf, tmp_path) == folder
    assert convert.calls == 1
    record = read_record(folder)
    assert record
    assert record.name == f"model.gguf, SHA-256 {content_hash(gguf, tmp_path)}"
    assert record.origin == str(gguf)
    assert {name: file.sha256 for name, file in record.files.items()} == {
        path.name: sha256_of(path) for path in folder.iterdir() if path.name != RECORD
    }
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [folder.name]
    assert load(gguf, tmp_path, name="tiny", device="cpu").content_hash == content_hash(gguf, tmp_path)


def cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])


def flip(folder: Path) -> None:
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)


def flip_config(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 0.5}))


def lose_the_record(folder: Path) -> None:
    """As conversions of older versions are, and those of a kill between two files."""
    (folder / RECORD).unlink()


def lose_a_file(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def damage_the_record(folder: Path) -> None:
    (folder / RECORD).write_text((folder / RECORD).read_text()[:-10])


@pytest.mark.parametrize("harm", [cut, flip, flip_config, lose_the_record, lose_a_file, damage_the_record])
def test_what_is_not_as_it_was_made_is_made_again(harm, convert: Converter, gguf: Path, tmp_path: Path) -> None:
    folder = model_folder(gguf, tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    harm(folder)
    assert model_folder(gguf, tmp_path) == folder
    assert convert.calls == 2
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_a_killed_conversion_left_is_cleared(
    convert: Converter, gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(conversion, "_settled", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # a kill clears nothing
        with pytest.raises(KeyboardInterrupt):
            model_folder(gguf, tmp_path)
    [left] = [path for path in (tmp_path / "converted").iterdir() if path.is_dir()]
    folder = model_folder(gguf, tmp_path)
    assert convert.calls == 2
    assert not left.exists()
    assert read_record(folder)


def test_a_conversion_is_as_readable_as_the_umask_has_it(
    convert: Converter, gguf: Path, tmp_path: Path, umask_of_a_group: None
) -> None:
    folder = model_folder(gguf, tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o775
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o664}


@pytest.mark.parametrize(
    "full",
    [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("I/O error: No space left (os error 28)")],
)
def test_a_full_disk(full: Exception, gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(path: Path, folder: Path) -> None:
        (folder / "config.json").write_text("{}")
        raise full

    monkeypatch.setattr(conversion, "_convert", convert)
    with pytest.raises(BackboneError) as error:
        model_folder(gguf, tmp_path)
    assert str(error.value) == (
        f"{gguf}: could not be converted into {tmp_path / 'converted'}: No space left on device. "
        "Free some space there, or set TRIMTAB_CACHE to another folder."
    )
    assert [path for path in (tmp_path / "converted").iterdir() if path.is_dir()] == []
