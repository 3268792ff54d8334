"""What a model is known by: weights that are read, its settings, its tokenizer, and nothing else."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from trimtab.backbones.identity import content_hash, described_by, older_hash
from trimtab.backbones.pretrained import load
from trimtab.errors import BackboneError


@pytest.fixture
def copy(tiny_folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny_folder, tmp_path / "copy")
    return tmp_path / "copy"


def test_the_hash_follows_the_content_not_the_name(tiny_folder: Path, copy: Path, tmp_path: Path) -> None:
    before = content_hash(copy, tmp_path)
    assert before == content_hash(tiny_folder, tmp_path) == older_hash(copy, tmp_path)
    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert content_hash(copy, tmp_path) != before


def test_files_that_are_not_read_have_no_part_in_it(tiny_folder: Path, copy: Path, tmp_path: Path) -> None:
    for name in ("README.md", "pytorch_model.bin", "training_args.bin", "other.safetensors", "small.gguf"):
        (copy / name).write_text(name)
    (copy / "onnx").mkdir()
    assert content_hash(copy, tmp_path) == content_hash(tiny_folder, tmp_path)
    assert described_by(copy) == described_by(tiny_folder)
    known = b"".join(path.read_bytes() for path in sorted(copy.iterdir()) if path.suffix in (".safetensors", ".bin"))
    (copy / "small.gguf").unlink()
    assert older_hash(copy, tmp_path) == hashlib.sha256(known).hexdigest()


def test_shards_are_all_read(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    AutoModelForCausalLM.from_pretrained(tiny_folder).save_pretrained(folder, max_shard_size="40KB")
    shards = sorted(folder.glob("*.safetensors"))
    assert len(shards) > 1
    (folder / "consolidated.safetensors").write_bytes(b"the same in another format")
    whole = hashlib.sha256(b"".join(path.read_bytes() for path in shards)).hexdigest()
    assert content_hash(folder, tmp_path) == whole


@pytest.mark.parametrize("odd", ["{", "[]", '{"weight_map": []}', '{"weight_map": {"a": "none.safetensors"}}'])
def test_a_damaged_index_is_left_to_loading(odd: str, copy: Path, tmp_path: Path) -> None:
    (copy / "model.safetensors").rename(copy / "model-00001-of-00001.safetensors")
    (copy / "model.safetensors.index.json").write_text(odd)
    assert content_hash(copy, tmp_path) == older_hash(copy, tmp_path)
    with pytest.raises(BackboneError, match="copy: no language model could be loaded: "):
        load(copy, tmp_path, name="copy", device="cpu")


def test_weights_by_other_names_count_all(copy: Path, tmp_path: Path) -> None:
    (copy / "other.safetensors").write_bytes(b"weights")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "transformers_weights": "other.safetensors"}))
    assert content_hash(copy, tmp_path) == older_hash(copy, tmp_path)


def test_settings_and_tokenizer_are_known_by_what_they_say(copy: Path) -> None:
    before = described_by(copy)
    assert set(before) == {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"}
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**dict(reversed(config.items())), "transformers_version": "99"}))
    assert described_by(copy) == before
    (copy / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 1e-3}))
    (copy / "chat_template.jinja").write_text("{{ messages }}")
    after = described_by(copy)
    assert {name for name in after if after[name] != before.get(name)} == {"config.json", "chat_template.jinja"}


def test_a_file_that_holds_all_is_known_by_itself(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    assert described_by(tmp_path / "model.gguf") == {}
    assert content_hash(tmp_path / "model.gguf", tmp_path) == hashlib.sha256(b"GGUF").hexdigest()
